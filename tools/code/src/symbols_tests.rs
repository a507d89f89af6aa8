use super::*;

/// One symbol a line: kind, qualified name, lines.
fn listed(source: &str, lang: SourceLanguage) -> String {
    let line = |symbol: &Symbol| {
        format!("{:?} {} {}-{}", symbol.kind, symbol.qualified, symbol.start_line, symbol.end_line)
    };
    symbols(source, lang).iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn python() {
    let source = "\
import os
LIMIT: int = 3

@cache
@retry(times=2)
def fetch(url):
    local = 1
    def inner():
        return url
    return inner

class Outer(Base):
    name = 'x'

    class Inner:
        async def run(self): pass

    @property
    def size(self):
        return 1

if os.name == 'nt':
    def only_here(): ...
";
    insta::assert_snapshot!(listed(source, SourceLanguage::Python), @r"
    Constant LIMIT 2-2
    Function fetch 4-10
    Function fetch.inner 8-9
    Class Outer 12-20
    Constant Outer.name 13-13
    Class Outer.Inner 15-16
    Method Outer.Inner.run 16-16
    Method Outer.size 18-20
    Function only_here 23-23
    ");
    let found = symbols(source, SourceLanguage::Python);
    assert_eq!(found[1].signature, "def fetch(url):");
    let at = |line| enclosing("a/b.py", source, line).map(|symbol| symbol_id("a/b.py", &symbol.qualified));
    assert_eq!(at(9).as_deref(), Some("a/b.py::fetch.inner"));
    assert_eq!(at(5).as_deref(), Some("a/b.py::fetch"));
    assert_eq!(at(20).as_deref(), Some("a/b.py::Outer.size"));
    assert_eq!(at(1), None);
    assert_eq!(enclosing("a.txt", source, 9), None);
}

#[test]
fn javascript() {
    let source = "\
const LIMIT = 3;
export default function load(x) { const helper = () => x; return helper; }
export const save = async (x) => {
  await put(x);
};
class Cart extends Base {
  #items = [];
  total = () => 1;
  static from(a) { return new Cart(a); }
  get size() { return 1; }
}
Cart.prototype.add = function (i) {};
module.exports.run = function () {};
exports.api = { get: function () {}, put() {}, plain: 1 };
function* ids() {}
";
    insta::assert_snapshot!(listed(source, SourceLanguage::JavaScript), @r"
    Constant LIMIT 1-1
    Function load 2-2
    Function load.helper 2-2
    Function save 3-5
    Class Cart 6-11
    Field Cart.#items 7-7
    Method Cart.total 8-8
    Method Cart.from 9-9
    Method Cart.size 10-10
    Method Cart.add 12-12
    Function run 13-13
    Function get 14-14
    Method put 14-14
    Function ids 15-15
    ");
}

#[test]
fn typescript() {
    let source = "\
export interface Shape { area(): number }
type Id = string | number;
enum Color { Red, Green }
namespace Geo {
  export abstract class Box<T> implements Shape {
    private w: number = 1;
    constructor(readonly h: T) {}
    abstract area(): number;
    grow = (by: number): void => {};
  }
}
function over(a: string): void;
function over(a: any) {}
@Component({})
export class View { @Input() name: string; render() { return 1; } }
";
    insta::assert_snapshot!(listed(source, SourceLanguage::TypeScript), @r"
    Interface Shape 1-1
    Type Id 2-2
    Enum Color 3-3
    Module Geo 4-11
    Class Geo.Box 5-10
    Field Geo.Box.w 6-6
    Method Geo.Box.constructor 7-7
    Method Geo.Box.area 8-8
    Method Geo.Box.grow 9-9
    Function over 12-12
    Function over 13-13
    Class View 14-15
    Field View.name 15-15
    Method View.render 15-15
    ");
    let tsx = "export const App: FC = () => <Foo onClick={() => run()}>{x}</Foo>;\n";
    insta::assert_snapshot!(listed(tsx, SourceLanguage::Tsx), @"Function App 1-1");
}

#[test]
fn rust() {
    let source = "\
pub const MAX: u32 = 1;
#[derive(Debug)]
pub struct Store<T> { inner: T }
enum Kind { A, B }
pub trait Read { fn read(&self); const N: usize; }
impl<T: Clone> Store<T> {
    const LOCAL: u8 = 1;
    pub async fn open(path: &str) -> Self {
        fn helper() {}
        todo()
    }
}
impl<T> Read for path::Store<T> { fn read(&self) {} }
macro_rules! check { () => {} }
mod tests {
    use super::*;
    fn works() {}
}
mod other;
type Alias = u8;
";
    insta::assert_snapshot!(listed(source, SourceLanguage::Rust), @r"
    Constant MAX 1-1
    Struct Store 3-3
    Enum Kind 4-4
    Trait Read 5-5
    Method Read.read 5-5
    Constant Read.N 5-5
    Constant Store.LOCAL 7-7
    Method Store.open 8-11
    Function Store.open.helper 9-9
    Method Store.read 13-13
    Macro check 14-14
    Module tests 15-18
    Function tests.works 17-17
    Type Alias 20-20
    ");
}

#[test]
fn go() {
    let source = "\
package server

const (
	A = 1
	B = 2
)

var Default = New()

type Server struct { addr string }
type Handler interface { Serve(w Writer) }
type ID string

func New() *Server { x := 1; return &Server{} }

func (s *Server) Run(ctx context.Context) error {
	go func() {}()
	return nil
}
func (List[T]) Len() int { return 0 }
";
    insta::assert_snapshot!(listed(source, SourceLanguage::Go), @r"
    Constant A 4-4
    Constant B 5-5
    Constant Default 8-8
    Struct Server 10-10
    Interface Handler 11-11
    Type ID 12-12
    Function New 14-14
    Method Server.Run 16-19
    Method List.Len 20-20
    ");
}

#[test]
fn java() {
    let source = "\
package org.acme;
import java.util.List;
/** Doc. */
@Entity
public class Money<T> implements Comparable<Money> {
    private static final int MAX = 1, MIN = 0;
    public Money(int a) { this.a = a; }
    @Override
    public int compareTo(Money o) {
        return new Runnable() { public void run() {} }.hashCode();
    }
    enum Kind { A, B; void f() {} }
    interface Shape { double area(); }
    record Point(int x, int y) {}
}
";
    insta::assert_snapshot!(listed(source, SourceLanguage::Java), @r"
    Class Money 4-15
    Field Money.MAX 6-6
    Method Money.Money 7-7
    Method Money.compareTo 8-11
    Method Money.compareTo.run 10-10
    Enum Money.Kind 12-12
    Constant Money.Kind.A 12-12
    Constant Money.Kind.B 12-12
    Method Money.Kind.f 12-12
    Interface Money.Shape 13-13
    Method Money.Shape.area 13-13
    Class Money.Point 14-14
    ");
}

#[test]
fn c_and_cpp() {
    let source = "\
#include <stdio.h>
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define LIMIT 3
typedef struct node { struct node *next; } node_t;
static int counter = 0;
int declared(void);
enum color { RED };
static char *read_all(FILE *f, size_t *n)
{
    int local = 1;
    return 0;
}
";
    insta::assert_snapshot!(listed(source, SourceLanguage::C), @r"
    Macro MAX 2-2
    Macro LIMIT 3-3
    Type node_t 4-4
    Struct node 4-4
    Constant counter 5-5
    Enum color 7-7
    Function read_all 8-12
    ");
    let source = "\
namespace net {
class Socket : public Base {
 public:
  Socket();
  int send(const char* p) { return 1; }
};
template <typename T>
T best(T a) { return a; }
}
void net::Socket::close() {}
std::string& name() { static std::string s; return s; }
";
    insta::assert_snapshot!(listed(source, SourceLanguage::Cpp), @r"
    Module net 1-9
    Class net.Socket 2-6
    Method net.Socket.send 5-5
    Function net.best 7-8
    Method net.Socket.close 10-10
    Function name 11-11
    ");
}

#[test]
fn php() {
    let source = "<html><?php
namespace App\\Shop;
use App\\Model\\Item;
/** A cart. */
final class Cart extends Base implements Countable {
    const LIMIT = 9;
    private ?Item $last = null;
    public function add(Item $item): void { $this->items[] = $item; $this->log('x'); Tax::of($item); }
    public static function empty(): self { return new self(); }
}
trait Logs { protected function log(string $text) { error_log($text); } }
enum Size: string { case Small = 's'; public function label(): string { return ucfirst($this->value); } }
function total(array $items): float { return array_sum($items); }
?></html>
";
    insta::assert_snapshot!(listed(source, SourceLanguage::Php), @r"
    Class Cart 5-10
    Constant Cart.LIMIT 6-6
    Field Cart.last 7-7
    Method Cart.add 8-8
    Method Cart.empty 9-9
    Trait Logs 11-11
    Method Logs.log 11-11
    Enum Size 12-12
    Constant Size.Small 12-12
    Method Size.label 12-12
    Function total 13-13
    ");
    let imports = crate::imports(source, SourceLanguage::Php);
    assert_eq!(imports[0].module, "App\\Model");
    assert_eq!(imports[0].names, ["Item"]);
    let calls = crate::calls(source, SourceLanguage::Php, None);
    let called: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
    assert_eq!(called, ["log", "of", "error_log", "ucfirst", "array_sum"]);
}

#[test]
fn hostile_sources_end_in_time_and_without_a_crash() {
    let nested = |open: &str, close: &str, times: usize| open.repeat(times) + &close.repeat(times);
    for (lang, source) in [
        (SourceLanguage::Python, nested("(", ")", 10_000)),
        (SourceLanguage::Python, (0..600).map(|n| format!("{}if x:\n", " ".repeat(n))).collect::<String>()),
        (SourceLanguage::JavaScript, nested("{a:[", "]}", 5_000)),
        (SourceLanguage::JavaScript, nested("function f(){", "}", 4_000)),
        (SourceLanguage::Rust, nested("mod a{", "}", 4_000)),
        (SourceLanguage::Java, "<".repeat(20_000)),
        (SourceLanguage::C, "*".repeat(20_000)),
        (SourceLanguage::Go, nested("func(){", "}", 4_000)),
        (SourceLanguage::Tsx, nested("<a>", "</a>", 4_000)),
        (SourceLanguage::Cpp, "template<class T>".repeat(4_000)),
        (SourceLanguage::Php, format!("<?php {}", nested("function f() {", "}", 4_000))),
        (SourceLanguage::Python, "\u{0}\u{feff}\u{202e}def f\u{0}():\r\r\n\tpass".repeat(1000)),
    ] {
        let found = symbols(&source, lang);
        assert!(found.len() <= MAX_SYMBOLS, "{lang:?}");
        assert!(found.iter().all(|symbol| symbol.qualified.chars().count() <= MAX_NAME), "{lang:?}");
        crate::calls(&source, lang, None);
        crate::imports(&source, lang);
        crate::is_formatting_or_comment_only(&source, &(source.clone() + " "), lang);
    }
    assert!(
        symbols(&"x = 1\n".repeat(1 << 20), SourceLanguage::Python).is_empty(),
        "too large is not parsed"
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_breaks_the_walk(source in "[a-z(){}\\[\\]<>:;,.'\"#/*@= \\n\\t\u{e9}]{0,200}") {
        for lang in [SourceLanguage::Python, SourceLanguage::JavaScript, SourceLanguage::TypeScript, SourceLanguage::Tsx, SourceLanguage::Rust, SourceLanguage::Go, SourceLanguage::Java, SourceLanguage::C, SourceLanguage::Cpp, SourceLanguage::Php] {
            for symbol in symbols(&source, lang) {
                proptest::prop_assert!(symbol.start_line >= 1 && symbol.start_line <= symbol.end_line);
            }
            proptest::prop_assert!(crate::is_formatting_or_comment_only(&source, &source, lang));
            crate::calls(&source, lang, None);
        }
    }
}
