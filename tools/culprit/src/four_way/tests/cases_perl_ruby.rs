/*!
Planted regressions in Perl and Ruby.
*/

use super::{PlantedCase, partial, right, wrong, wrong_partial};

pub(super) const CASES: &[PlantedCase] = &[
    PlantedCase {
        name: "perl-wrap",
        files: &[(
            "Wrap.pm",
            r#"
package Wrap;
use strict;
use warnings;

# Lines of at most $width characters.
sub wrap {
    my ($text, $width) = @_;
    die "width must be positive\n" if $width < 1;
    my @lines = ('');
    for my $word (split ' ', $text) {
        if ($lines[-1] eq '') { $lines[-1] = $word }
        elsif (length($lines[-1]) + 1 + length($word) <= $width) { $lines[-1] .= " $word" }
        else { push @lines, $word }
    }
    return join("\n", @lines);
}

1;
"#,
        )],
        culprit: &[("length($word) <= $width", "length($word) < $width")],
        later: &[("package Wrap;", "package Wrap;\nour $VERSION = 2;")],
        replay: r#"perl -I. -MWrap -e 'my $got = Wrap::wrap("one two three", 7); $got eq "one two\nthree" or die "got $got\n"'"#,
        laid: &[],
        fixes: &[
            right("one more", &[("length($word) < $width", "length($word) < $width + 1")]),
            wrong("too wide", &[("length($word) < $width", "length($word) <= $width + 1")]),
            wrong(
                "check of the width gone",
                &[
                    ("length($word) < $width", "length($word) <= $width"),
                    ("    die \"width must be positive\\n\" if $width < 1;\n", ""),
                ],
            ),
            wrong(
                "made for seven",
                &[("length($word) < $width", "length($word) < ($width == 7 ? 8 : $width)")],
            ),
        ],
    },
    PlantedCase {
        name: "perl-date",
        files: &[(
            "Dates.pm",
            r#"
package Dates;
use strict;
use warnings;

sub leap { my $y = shift; return $y % 4 == 0 && ($y % 100 != 0 || $y % 400 == 0) ? 1 : 0 }

sub days {
    my ($month, $year) = @_;
    die "no such month\n" if $month < 1 || $month > 12;
    return 28 + leap($year) if $month == 2;
    return $month =~ /^(4|6|9|11)$/ ? 30 : 31;
}

1;
"#,
        )],
        culprit: &[
            ("$y % 4 == 0 && ($y % 100 != 0 || $y % 400 == 0)", "$y % 4 == 0 && $y % 100 != 0"),
            ("|| $month > 12", "|| $month > 12 || $year < 1"),
        ],
        later: &[],
        replay: "perl -I. t/dates.t",
        laid: &[(
            "t/dates.t",
            r#"
use strict;
use warnings;
use Test::More tests => 2;
use Dates;
is(Dates::days(2, 2000), 29, 'a leap century');
is(Dates::days(1, 2023), 31, 'January');
"#,
        )],
        fixes: &[
            partial(
                "centuries put back",
                &[("$y % 4 == 0 && $y % 100 != 0", "$y % 4 == 0 && ($y % 100 != 0 || $y % 400 == 0)")],
            ),
            right(
                "in another order",
                &[("$y % 4 == 0 && $y % 100 != 0", "($y % 400 == 0 || ($y % 4 == 0 && $y % 100 != 0))")],
            ),
            wrong("every fourth", &[("$y % 4 == 0 && $y % 100 != 0", "$y % 4 == 0")]),
            wrong("always leap", &[("$y % 4 == 0 && $y % 100 != 0", "$y > 0")]),
        ],
    },
    PlantedCase {
        name: "ruby-emphasis",
        files: &[(
            "lib/mark.rb",
            r##"
module Mark
  def self.html(text)
    raise ArgumentError, "no text" if text.nil? || text.empty?
    text.gsub(/(^|[^[:alnum:]])_([^_]+)_/) { "#{$1}<em>#{$2}</em>" }
        .gsub(/\*\*([^*]+)\*\*/) { "<b>#{$1}</b>" }
  end
end
"##,
        )],
        culprit: &[("(^|[^[:alnum:]])_", "(^|[\\s\\[*])_")],
        later: &[("module Mark", "module Mark\n  NAME = 'mark'")],
        replay: r##"ruby -Ilib -e 'require "mark"; h = Mark.html("a (_test_) and **bold**"); puts h; abort("FAIL: #{h}") unless h.scan("<em>test</em>").size == 1'"##,
        laid: &[],
        fixes: &[
            right("not after a word", &[("(^|[\\s\\[*])_", "(^|[^\\p{L}\\p{N}])_")]),
            wrong("bracket only", &[("(^|[\\s\\[*])_", "(^|[(])_")]),
            wrong("inside of words too", &[("(^|[\\s\\[*])_", "(^|.)_")]),
            wrong(
                "bold lost",
                &[("(^|[\\s\\[*])_", "(^|[^[:alnum:]])_"), ("\"<b>#{$1}</b>\"", "\"<em>#{$1}</em>\"")],
            ),
        ],
    },
    PlantedCase {
        name: "ruby-stack",
        files: &[(
            "stack.rb",
            r#"
class Stack
  def initialize(items = [])
    @items = items.dup
  end

  def push(item)
    @items.push(item)
    self
  end

  def pop
    raise IndexError, "empty" if @items.empty?
    @items.pop
  end

  def top(n = 1)
    @items.last(n).reverse
  end

  def items
    @items
  end
end
"#,
        )],
        culprit: &[("    @items.pop\n", "    @items.shift\n"), ("@items.last(n).reverse", "@items.first(n)")],
        later: &[],
        replay: "ruby -I. test_stack.rb",
        laid: &[(
            "test_stack.rb",
            r#"
require "minitest/autorun"
require "stack"

class StackTest < Minitest::Test
  def test_pop
    s = Stack.new([1, 2, 3])
    assert_equal 3, s.pop
    assert_equal [1, 2], s.items
    assert_equal [4], s.push(4).top(1)
  end
end
"#,
        )],
        fixes: &[
            right(
                "written otherwise",
                &[
                    ("    @items.shift\n", "    @items.delete_at(-1)\n"),
                    ("@items.first(n)", "@items.reverse.first(n)"),
                ],
            ),
            wrong_partial(
                "order of the top",
                &[("    @items.shift\n", "    @items.pop\n"), ("@items.first(n)", "@items.last(n)")],
            ),
            wrong(
                "nothing when empty",
                &[
                    ("    @items.shift\n", "    @items.pop\n"),
                    ("@items.first(n)", "@items.last(n).reverse"),
                    ("    raise IndexError, \"empty\" if @items.empty?\n", ""),
                ],
            ),
        ],
    },
];
