<?php
// Records which lines below MILLWRIGHT_PHP_ROOT this script executes, by pcov where it is installed; the files that it
// included elsewhere. Writes one file per process to MILLWRIGHT_PHP_OUT, a record a line: path, I or F, lines, name.
// Must never change what the program does: every failure in here is swallowed, and PHP 7.0 can read it.
call_user_func(function () {
    $root = realpath((string) getenv('MILLWRIGHT_PHP_ROOT'));
    $out = (string) getenv('MILLWRIGHT_PHP_OUT');
    if ($root === false || $out === '') {
        return;
    }
    $root = rtrim($root, '/') . '/';
    $counts = function_exists('pcov\start');
    if ($counts) {
        \pcov\start();
    }
    register_shutdown_function(function () use ($root, $out, $counts) {
        try {
            // What is kept here is small, but the program may have used its memory up.
            ini_set('memory_limit', '-1');
            $files = [];
            foreach (get_included_files() as $path) {
                $is_own = strncmp($path, $root, strlen($root)) === 0 && strpos($path, '/vendor/') === false;
                if ($is_own && strpbrk($path, "\t\n") === false) {
                    $files[$path] = [];
                }
            }
            $lines = [];
            if ($counts) {
                \pcov\stop();
                $lines = \pcov\collect(\pcov\inclusive, array_keys($files));
            }
            // Lines of functions and methods, by what PHP itself knows of them.
            foreach (get_defined_functions()['user'] as $name) {
                $function = new \ReflectionFunction($name);
                if (isset($files[$function->getFileName()])) {
                    $files[$function->getFileName()][] = [$function->getStartLine(), $function->getEndLine(), $function->getName()];
                }
            }
            foreach (get_declared_classes() as $class) {
                $class = new \ReflectionClass($class);
                if (!isset($files[$class->getFileName()])) {
                    continue;
                }
                foreach ($class->getMethods() as $method) {
                    // Inherited ones are told of by their own class.
                    if ($method->class === $class->getName() && isset($files[$method->getFileName()])) {
                        $name = $method->class . '.' . $method->getName();
                        $files[$method->getFileName()][] = [$method->getStartLine(), $method->getEndLine(), $name];
                    }
                }
            }
            $records = '';
            foreach ($files as $file => $functions) {
                $path = substr($file, strlen($root));
                $ran = [];
                foreach (isset($lines[$file]) ? $lines[$file] : [] as $line => $hits) {
                    if ($hits > 0) {
                        $ran[$line] = true;
                    }
                }
                $rest = $ran;
                foreach ($functions as $function) {
                    list($first, $last, $name) = $function;
                    // A function's first line is its definition, which runs when its file is loaded.
                    $own = [];
                    for ($line = $first === $last ? $first : $first + 1; $line <= $last; $line++) {
                        if (isset($ran[$line])) {
                            $own[] = $line;
                            unset($rest[$line]);
                        }
                    }
                    if ($own) {
                        $records .= "$path\tF\t" . implode(',', $own) . "\t$name\n";
                    }
                }
                $records .= "$path\tI\t" . implode(',', array_keys($rest)) . "\t\n";
            }
            file_put_contents($out . '/' . getmypid() . '-' . mt_rand() . '.trace', $records);
        } catch (\Throwable $ignored) {
        }
    });
});
