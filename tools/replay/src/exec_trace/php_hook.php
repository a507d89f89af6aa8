<?php
// Records which lines below MILLWRIGHT_PHP_ROOT this script executes, by pcov where it is installed; the files that it
// included elsewhere. Writes one file per process to MILLWRIGHT_PHP_OUT, a record a line: path, I or F, lines, name.
// Must never change what the program does: every failure in here is swallowed.
(static function (): void {
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
    register_shutdown_function(static function () use ($root, $out, $counts): void {
        try {
            $own = static fn (string $path): bool => str_starts_with($path, $root) && !str_contains($path, '/vendor/')
                && !str_contains($path, "\t") && !str_contains($path, "\n");
            $files = array_values(array_filter(get_included_files(), $own));
            $lines = [];
            if ($counts) {
                \pcov\stop();
                $lines = \pcov\collect(\pcov\inclusive, $files);
            }
            // Lines of functions and methods, by what PHP itself knows of them.
            $functions = [];
            $add = static function (\ReflectionFunctionAbstract $function, string $name) use (&$functions): void {
                if ($function->getFileName() !== false) {
                    $functions[$function->getFileName()][] = [$function->getStartLine(), $function->getEndLine(), $name];
                }
            };
            foreach (get_defined_functions()['user'] as $name) {
                $function = new \ReflectionFunction($name);
                $add($function, $function->getName());
            }
            foreach (get_declared_classes() as $class) {
                $class = new \ReflectionClass($class);
                if (!$class->isInternal()) {
                    foreach ($class->getMethods() as $method) {
                        $add($method, $method->class . '.' . $method->getName());
                    }
                }
            }
            $records = '';
            foreach ($files as $file) {
                $path = substr($file, strlen($root));
                $ran = array_keys(array_filter($lines[$file] ?? [], static fn (int $hits): bool => $hits > 0));
                $inside = [];
                foreach ($functions[$file] ?? [] as [$first, $last, $name]) {
                    // A function's first line is its definition, which runs when its file is loaded.
                    $own_lines = array_filter($ran, static fn (int $line): bool =>
                        $line > $first && $line <= $last || $first === $last && $line === $first);
                    if ($own_lines) {
                        $inside += array_fill_keys($own_lines, true);
                        $records .= "$path\tF\t" . implode(',', $own_lines) . "\t$name\n";
                    }
                }
                $rest = array_filter($ran, static fn (int $line): bool => !isset($inside[$line]));
                $records .= "$path\tI\t" . implode(',', $rest) . "\t\n";
            }
            file_put_contents($out . '/' . getmypid() . '-' . mt_rand() . '.trace', $records);
        } catch (\Throwable) {
        }
    });
})();
