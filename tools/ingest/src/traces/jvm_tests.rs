use insta::assert_snapshot;

use super::super::{find, one, sketch};
use crate::text::TextLines;

#[test]
fn causes_and_elided_frames() {
    let trace = one(
        "Exception in thread \"main\" java.lang.IllegalStateException: cannot start\n\tat com.acme.App.start(App.java:14)\n\tat com.acme.App.main(App.java:5)\nCaused by: java.io.IOException: disk\n\tat java.base/java.io.FileInputStream.open0(Native Method)\n\tat com.acme.Store.load(Store.java:77)\n\t... 1 more\nCaused by: com.acme.Broken\n\tat com.acme.Store$Loader.lambda$run$0(Store.java:80)\n\t... 2 common frames omitted\ndone\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
Jvm 1-10
java.lang.IllegalStateException: cannot start
 * App.java:14 com.acme.App start
 * App.java:5 com.acme.App main
java.io.IOException: disk
   - java.io.FileInputStream open0
 * Store.java:77 com.acme.Store load
com.acme.Broken: 
 * Store.java:80 com.acme.Store$Loader lambda$run$0
"#);
}

#[test]
fn suppressed_is_a_trace_of_its_own() {
    let text = "java.lang.RuntimeException: outer\n\tat a.b.C.d(C.java:1)\n\tSuppressed: java.io.IOException: close\n\t\tat a.b.R.close(R.java:9)\n\t\tCaused by: java.lang.Error: deep\n\t\t\tat a.b.R.x(R.java:3)\nCaused by: java.lang.NullPointerException\n\tat a.b.C.e(C.java:2)\n";
    let found = find(&TextLines::new(text), 10);
    let sketches: Vec<String> = found.iter().map(|found| sketch(&found.trace)).collect();
    assert_snapshot!(sketches.join("\n---\n"), @r#"
Jvm 1-8
java.lang.RuntimeException: outer
 * C.java:1 a.b.C d
java.lang.NullPointerException: 
 * C.java:2 a.b.C e
---
Jvm 3-3
java.io.IOException: close
 * R.java:9 a.b.R close
java.lang.Error: deep
 * R.java:3 a.b.R x
"#);
}

#[test]
fn kotlin_scala_lambdas_and_loaders() {
    let trace = one(
        "kotlin.UninitializedPropertyAccessException: lateinit property api has not been initialized\n    at com.acme.ui.MainKt.main(Main.kt:12) ~[app.jar:1.0]\n    at app//org.acme.Shop$Companion.open(Shop.kt:8)\n    at com.acme.Jobs$$Lambda$14/0x0000000800066840.run(Unknown Source)\n    at scala.collection.immutable.List.foreach(List.scala:431)\n    at com.acme.Calc$.$anonfun$main$1(Calc.scala:3)\n    at jdk.internal.reflect.GeneratedMethodAccessor1.invoke(Unknown Source)\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
Jvm 1-7
kotlin.UninitializedPropertyAccessException: lateinit property api has not been initialized
 * Main.kt:12 com.acme.ui.MainKt main
 * Shop.kt:8 org.acme.Shop$Companion open
 * - com.acme.Jobs$$Lambda$14 run
   List.scala:431 scala.collection.immutable.List foreach
 * Calc.scala:3 com.acme.Calc$ $anonfun$main$1
   - jdk.internal.reflect.GeneratedMethodAccessor1 invoke
"#);
}

#[test]
fn behind_a_logger_and_over_several_lines() {
    let trace = one(
        "2024-05-01 10:00:00.123 ERROR 1 --- [nio-8080-exec-1] c.a.Web : Servlet failed\n\norg.acme.QueryException: could not execute\n  select *\n  from t where x = ?\n\tat org.acme.Db.run(Db.java:9)\n\tat org.springframework.web.Servlet.go(Servlet.java:1)\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
Jvm 3-7
org.acme.QueryException: could not execute⏎  select *⏎  from t where x = ?
 * Db.java:9 org.acme.Db run
   Servlet.java:1 org.springframework.web.Servlet go
"#);
}

#[test]
fn every_line_behind_a_container_name() {
    let trace = one(
        "api-1  | java.lang.NullPointerException: x\napi-1  | \tat a.b.C.d(C.java:1)\napi-1  | Caused by: java.lang.Error: y\napi-1  | \tat a.b.C.e(C.java:2)\napi-1  | ready\n",
    );
    assert_snapshot!(sketch(&trace), @r#"
Jvm 1-4
java.lang.NullPointerException: x
 * C.java:1 a.b.C d
java.lang.Error: y
 * C.java:2 a.b.C e
"#);
}

#[test]
fn prose_with_at_is_no_frame() {
    for text in ["Meet me\n  at noon (see map)\n", "\tat home.\n", "  at a(b)\n"] {
        assert!(find(&TextLines::new(text), 10).is_empty(), "{text}");
    }
}
