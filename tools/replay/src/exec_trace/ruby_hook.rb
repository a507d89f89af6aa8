# Records which lines and methods below MILLWRIGHT_RUBY_ROOT this interpreter executes, by Ruby's own Coverage.
#
# Required first by every interpreter that the traced run starts. Writes files to MILLWRIGHT_RUBY_OUT, a record a line:
# path, I (bodies of files and classes) or F, lines, qualified name. Must never change what the program does: every failure
# in here is swallowed, and a program that measures its own coverage takes over.

begin
  require "coverage"
  Coverage.start(lines: true, methods: true)

  millwright_write = lambda do
    begin
      root = File.join(File.realpath(ENV["MILLWRIGHT_RUBY_ROOT"]), "")
      out = File.join(ENV["MILLWRIGHT_RUBY_OUT"], "#{Process.pid}-#{rand(1 << 30)}.trace")
      # The program's classes may have an inspect of their own.
      name_of = Module.instance_method(:inspect)
      records = []
      Coverage.peek_result.each do |file, result|
        path = File.realpath(file) rescue next
        next unless path.start_with?(root)
        path = path[root.size..-1]
        next if path.include?("\t") || path.include?("\n") || path.include?("/gems/")
        hits_of_lines, methods = result.is_a?(Hash) ? [result[:lines], result[:methods]] : [result, nil]
        ran = []
        (hits_of_lines || []).each_with_index { |hits, at| ran << at + 1 if hits && hits > 0 }
        inside = {}
        (methods || {}).each do |(owner, name, first, _, last, _), hits|
          next unless hits > 0
          # A method's first line is its definition, which runs when its class is loaded.
          lines = ran.select { |line| line > first && line <= last || line == first && first == last }
          lines.each { |line| inside[line] = true }
          owner = name_of.bind(owner).call.sub(/\A#<Class:(.*)>\z/, '\1')
          records << "#{path}\tF\t#{lines.join(",")}\t#{owner}.#{name}\n"
        end
        rest = ran.reject { |line| inside[line] }
        # Without methods nobody knows which lines are of bodies.
        records << "#{path}\t#{methods ? "I" : "F"}\t#{rest.join(",")}\t\n"
      end
      File.write(out, records.join)
    rescue StandardError
      nil
    end
  end

  millwright_is_ours = true
  millwright_result = Coverage.method(:result)
  millwright_yield = lambda do
    if millwright_is_ours
      millwright_is_ours = false
      millwright_write.call
      millwright_result.call
    end
  end
  Coverage.singleton_class.prepend(Module.new do
    define_method(:start) do |*arguments|
      millwright_yield.call
      super(*arguments)
    end
    define_method(:setup) do |*arguments|
      millwright_yield.call
      super(*arguments)
    end
    define_method(:running?) { millwright_is_ours ? false : super() }
    define_method(:result) do |*arguments|
      millwright_write.call
      super(*arguments)
    end
  end)

  # Registered first, so it runs last. A fork writes its own file.
  at_exit(&millwright_write)
rescue LoadError, StandardError
  nil
end
