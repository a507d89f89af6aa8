"""Records which lines and functions below MILLWRIGHT_TRACE_ROOT this interpreter executes.

Imported as `sitecustomize` by every interpreter the traced run starts. Writes one file per process to
MILLWRIGHT_TRACE_OUT, a record a line: path, I (module and class bodies) or F, lines, qualified name.
Must never change what the program does: every failure in here is swallowed.
"""


def _start():
    import os
    import sys
    import threading

    root, out = os.environ.get("MILLWRIGHT_TRACE_ROOT"), os.environ.get("MILLWRIGHT_TRACE_OUT")
    if not root or not out:
        return
    prefix = os.path.join(os.path.realpath(root), "")
    join, abspath, realpath = os.path.join, os.path.abspath, os.path.realpath
    getpid, file_open = os.getpid, open
    relative = {}  # co_filename -> path below the root, or None
    seen = {}  # id of a code object -> (code object, set of lines); hashing code objects themselves is slow
    state = {"written": 0, "pid": getpid()}

    def inside(name):
        try:
            return relative[name]
        except KeyError:
            path = None
            if name and name[0] != "<":
                full = abspath(name)
                if not full.startswith(prefix):
                    full = realpath(full)
                if full.startswith(prefix):
                    path = full[len(prefix):]
                    if "/site-packages/" in path or "\t" in path or "\n" in path:
                        path = None
            relative[name] = path
            return path

    def write():
        try:
            lines = []
            for code, numbers in list(seen.values()):
                name = getattr(code, "co_qualname", code.co_name).replace("\t", " ").replace("\n", " ")
                kind = "F" if code.co_flags & 1 else "I"
                numbers = ",".join(map(str, sorted(numbers.copy())))
                lines.append("\t".join((inside(code.co_filename), kind, numbers, name)))
            with file_open(join(out, "%d.trace" % getpid()), "w", encoding="utf-8", errors="replace") as file:
                file.write("\n".join(lines) + "\n")
            state["written"] = len(seen)
        except Exception:
            pass

    def grown():
        # A process that is killed should still have told most of what it did.
        if len(seen) >= 2 * state["written"] + 500:
            write()

    monitoring = getattr(sys, "monitoring", None)
    tool = None
    if monitoring is not None:
        for candidate in (4, 3, 5):
            try:
                monitoring.use_tool_id(candidate, "millwright")
                tool = candidate
                break
            except ValueError:
                continue
    if tool is not None:
        events, disable = monitoring.events, monitoring.DISABLE

        def on_start(code, offset):
            if inside(code.co_filename) is not None and id(code) not in seen:
                seen[id(code)] = (code, set())
                monitoring.set_local_events(tool, code, events.LINE)
                grown()
            return disable

        def on_line(code, line):
            entry = seen.get(id(code))
            if entry is not None:
                entry[1].add(line)
            return disable

        monitoring.register_callback(tool, events.PY_START, on_start)
        monitoring.register_callback(tool, events.LINE, on_line)
        monitoring.set_events(tool, events.PY_START)
    else:
        from dis import findlinestarts

        locals_of = {}  # id of a code object -> its line tracer, and how many lines it can have
        unknown = (None, 0)

        def begin(code):
            lines = set()
            add = lines.add

            def local(frame, event, arg):
                if event == "line":
                    add(frame.f_lineno)
                return local

            seen[id(code)] = (code, lines)
            possible = {line for _, line in findlinestarts(code)}
            if code.co_name[0] != "<":
                possible.discard(code.co_firstlineno)  # the line of the `def` itself is no event
            entry = locals_of[id(code)] = (local, max(1, len(possible)))
            grown()
            return entry

        def tracer(frame, event, arg):
            code = frame.f_code
            name = code.co_filename
            if (relative[name] if name in relative else inside(name)) is None:
                return None
            local, lines = locals_of.get(id(code), unknown)
            if local is None:
                local, lines = begin(code)
            # Once every line was seen there is nothing left to learn from it.
            return local if len(seen[id(code)][1]) < lines else None

        threading.settrace(tracer)
        sys.settrace(tracer)

    import atexit

    atexit.register(write)
    leave = os._exit

    def _exit(status):
        write()
        leave(status)

    os._exit = _exit
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: state.update(written=0))
    execs = ("execv", "execve")
    for name in execs:
        original = getattr(os, name, None)
        if original is not None:
            def replaced(*args, _original=original, **kwargs):
                write()
                return _original(*args, **kwargs)

            setattr(os, name, replaced)


def _chain():
    # The environment's own sitecustomize must run as if this one were not there.
    import os
    import sys

    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != here]
    own = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # noqa: F401
    except ImportError as error:
        if getattr(error, "name", None) != "sitecustomize":
            raise
        if own is not None:
            sys.modules["sitecustomize"] = own


try:
    _start()
except Exception:
    pass
_chain()
