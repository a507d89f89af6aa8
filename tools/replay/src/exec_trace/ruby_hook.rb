# Records which lines and methods below MILLWRIGHT_RUBY_ROOT this interpreter executes, by Ruby's own Coverage.
#
# Required first by every interpreter that the traced run starts. Writes one file per process to MILLWRIGHT_RUBY_OUT, a
# record a line: path, I (bodies of files and classes) or F, lines, qualified name. Must never change what the program does:
# every failure in here is swallowed.

begin
  require "coverage"
  Coverage.start(lines: true, methods: true)

  millwright_write = lambda do
    begin
      root = File.join(File.realpath(ENV["MILLWRIGHT_RUBY_ROOT"]), "")
      out = File.join(ENV["MILLWRIGHT_RUBY_OUT"], "#{Process.pid}-#{rand(1 << 30)}.trace")
      records = []
      Coverage.peek_result.each do |file, result|
        path = File.realpath(file) rescue next
        next unless path.start_with?(root)
        path = path[root.size..]
        next if path.include?("\t") || path.include?("\n") || path.include?("/gems/")
        ran = []
        result[:lines].each_with_index { |hits, at| ran << at + 1 if hits && hits > 0 }
        inside = {}
        result[:methods].each do |(owner, name, first, _, last, _), hits|
          next unless hits > 0
          # A method's first line is its definition, which runs when its class is loaded.
          lines = ran.select { |line| line > first && line <= last || line == first && first == last }
          lines.each { |line| inside[line] = true }
          owner = owner.inspect.sub(/\A#<Class:(.*)>\z/, '\1')
          records << "#{path}\tF\t#{lines.join(",")}\t#{owner}.#{name}\n"
        end
        records << "#{path}\tI\t#{ran.reject { |line| inside[line] }.join(",")}\t\n"
      end
      File.write(out, records.join)
    rescue StandardError
      nil
    end
  end

  # Registered first, so it runs last. A fork writes its own file.
  at_exit(&millwright_write)
rescue LoadError, StandardError
  nil
end
