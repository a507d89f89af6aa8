use insta::assert_snapshot;

use super::super::{one, sketch};

#[test]
fn uncaught_error() {
    let trace = one(
        "PHP Fatal error:  Uncaught TypeError: total(): Argument #1 must be of type array, null given, called in /app/index.php on line 3 and defined in /app/src/Cart.php:12\nStack trace:\n#0 /app/index.php(3): App\\Cart->total(NULL)\n#1 [internal function]: run('a', Object(B))\n#2 {main}\n  thrown in /app/src/Cart.php on line 12\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
Php 1-6
TypeError: total(): Argument #1 must be of type array, null given, called in /app/index.php on line 3 and defined
 * /app/src/Cart.php:12 App\Cart total
 * /app/index.php:3 - run
"#);
}

#[test]
fn next_is_what_surfaced() {
    let trace = one(
        "Fatal error: Uncaught PDOException: gone in /app/Db.php:9\nStack trace:\n#0 /app/Db.php(20): PDO->query('x')\n#1 {main}\n\nNext App\\StoreException: store failed in /app/Store.php:30\nStack trace:\n#0 /app/index.php(5): App\\Store::open()\n#1 {main}\n  thrown in /app/Store.php on line 30\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
Php 1-10
App\StoreException: store failed
 * /app/Store.php:30 App\Store open
 * /app/index.php:5 - -
PDOException: gone
 * /app/Db.php:9 PDO query
 * /app/Db.php:20 - -
"#);
}

#[test]
fn laravel_log() {
    let trace = one(
        "[2024-01-01 00:00:00] production.ERROR: Undefined index: id {\"userId\":1,\"exception\":\"[object] (ErrorException(code: 0): Undefined index: id at /app/Http/A.php:12)\n[stacktrace]\n#0 /app/Http/A.php(12): Illuminate\\Foundation\\Bootstrap\\HandleExceptions->handleError(8, 'Undefined')\n#1 /app/vendor/laravel/framework/src/R.php(1): App\\Http\\A->show()\n#2 {main}\n\"}\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
Php 1-5
ErrorException: Undefined index: id
 * /app/Http/A.php:12 App\Http\A show
   /app/vendor/laravel/framework/src/R.php:1 - -
"#);
}
