use super::*;

/// 2026-11-22T23:47:54Z
const NOW: i64 = 1_795_391_274_000;

fn check(line: &str, level: Option<LogLevel>, service: Option<&str>, message: &str) {
    let header = parse(line, NOW).unwrap_or_else(|| panic!("no header in {line}"));
    assert_eq!(&line[header.message..], message, "{line}");
    assert_eq!(header.level, level, "{line}");
    assert_eq!(header.service.as_deref(), service, "{line}");
    assert!(header.timestamp_ms.is_some(), "{line}");
}

#[test]
fn headers_of_many_frameworks() {
    let (info, warn, error) = (Some(LogLevel::Info), Some(LogLevel::Warn), Some(LogLevel::Error));
    check(
        "2015-10-18 18:01:47,978 INFO [main] org.apache.MRAppMaster: Created it",
        info,
        Some("org.apache.MRAppMaster"),
        "Created it",
    );
    check(
        "2026-11-22 10:00:00.123  INFO 12345 --- [nio-8080-exec-1] o.s.web.Servlet : Started it",
        info,
        Some("o.s.web.Servlet"),
        "Started it",
    );
    check("2026-11-22 10:00:00,123 - app.views - ERROR - it broke", error, Some("app.views"), "it broke");
    check("2026-11-22 10:00:00,123 ERROR app.views it broke", error, Some("app.views"), "it broke");
    check("[2026-11-22 10:00:00 +0000] [17] [INFO] Booting worker", info, None, "Booting worker");
    check("2026/11/22 10:00:00 [error] 17#17: *45 connect() failed", error, None, "*45 connect() failed");
    check("[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok", info, None, "workerEnv.init() ok");
    check(
        "Jun 14 15:16:01 combo sshd(pam_unix)[19939]: authentication failure",
        None,
        Some("sshd(pam_unix)"),
        "authentication failure",
    );
    check(
        "03-17 16:13:38.811  1702  2395 D WindowManager: printFreezing",
        Some(LogLevel::Debug),
        Some("WindowManager"),
        "printFreezing",
    );
    check(
        "17/06/09 20:10:40 INFO spark.SecurityManager: Changing acls",
        info,
        Some("spark.SecurityManager"),
        "Changing acls",
    );
    check(
        "2015-07-29 19:04:29,071 - WARN  [SendWorker:188978561024:QuorumCnxManager$SendWorker@688] - Send worker leaving",
        warn,
        None,
        "Send worker leaving",
    );
    check("20171223-22:15:29:606|Step_LSC|30002312|onStep 3579", None, Some("Step_LSC"), "onStep 3579");
    check("[10.30 16:49:06] chrome.exe - proxy:5070 open", None, Some("chrome.exe"), "proxy:5070 open");
    check(
        "- 1131566461 2005.11.09 dn228 Nov 9 12:01:01 dn228/dn228 crond[2916]: (root) CMD",
        None,
        Some("crond"),
        "(root) CMD",
    );
    check("I1122 10:00:00.123456   99 server.go:12] Serving", info, None, "Serving");
    check(
        "1.2.3.4 - bob [10/Oct/2000:13:55:36 -0700] \"GET /x HTTP/1.0\" 500 2326",
        error,
        None,
        "\"GET /x HTTP/1.0\" 500 2326",
    );
    check(
        "2016-09-28 04:30:30, Info                  CBS    Loaded Stack",
        info,
        None,
        "CBS    Loaded Stack",
    );
    check(
        "- 1117838570 2005.06.03 R02-M1 2005-06-03-15.42.50.675872 R02-M1 RAS KERNEL INFO cache parity",
        info,
        Some("KERNEL"),
        "cache parity",
    );
    check(
        "2026-11-22T10:00:00Z stopped: it is an ERROR of yours.",
        None,
        None,
        "stopped: it is an ERROR of yours.",
    );
}

#[test]
fn lines_without_a_time_have_no_header() {
    for line in [
        "",
        "   at org.acme.Foo.bar(Foo.java:12)",
        "Caused by: java.lang.Error: x",
        "Traceback (most recent call last):",
        "hello",
        "10 apples",
    ] {
        assert_eq!(parse(line, NOW), None, "{line}");
    }
}

#[test]
fn trace_ids() {
    for (line, expected) in [
        ("x trace_id=4bf92f3577b34da6a3ce929d0e0e4736 y", Some("4bf92f3577b34da6a3ce929d0e0e4736")),
        ("{\"traceId\": \"00f067aa0ba902b7\"}", Some("00f067aa0ba902b7")),
        ("trace this down", None),
        ("trace_id=", None),
    ] {
        assert_eq!(trace_id(line).as_deref(), expected, "{line}");
    }
}
