use std::io::Write;

use super::*;

fn records(content: &[u8]) -> Vec<LogRecord> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    let mut records = LogRecords::open(file.path()).unwrap();
    std::iter::from_fn(|| records.next_record().unwrap()).collect()
}

fn shown(content: &str) -> String {
    let show = |record: LogRecord| {
        let level = record.level.map_or("-".to_owned(), |level| format!("{level:?}"));
        let (start, end) = (record.start_line, record.end_line);
        let (service, time) = (record.service.unwrap_or_default(), record.timestamp_ms.unwrap_or_default());
        format!("{start}-{end} {time} {level} [{service}] {}", record.message.replace('\n', "⏎"))
    };
    records(content.as_bytes()).into_iter().map(show).collect::<Vec<_>>().join("\n")
}

#[test]
fn traces_belong_to_their_record_and_formats_mix() {
    let log = "\
2026-11-22 10:00:00,001 INFO  [main] org.acme.App: Started
2026-11-22 10:00:01,002 ERROR [pool-1] org.acme.Pay: It broke
java.lang.IllegalStateException: no
\tat org.acme.Pay.run(Pay.java:12)
Caused by: java.io.IOException: gone

{\"ts\":\"2026-11-22T10:00:02Z\",\"level\":\"warn\",\"msg\":\"slow\",\"service\":\"pay\"}
ts=2026-11-22T10:00:03Z level=error msg=\"boom\" component=db
  continued
2026-11-22T10:00:04.5Z stdout F {\"level\":\"info\",\"msg\":\"inner\"}
Nov 22 10:00:05 host sshd[12]: Invalid user bob
";
    insta::assert_snapshot!(shown(log), @r"
    1-1 1795341600001 Info [org.acme.App] Started
    2-6 1795341601002 Error [org.acme.Pay] It broke⏎java.lang.IllegalStateException: no⏎	at org.acme.Pay.run(Pay.java:12)⏎Caused by: java.io.IOException: gone⏎
    7-7 1795341602000 Warn [pay] slow
    8-9 1795341603000 Error [db] boom⏎  continued
    10-10 1795341604500 Info [] inner
    11-11 1795341605000 - [sshd] Invalid user bob
    ");
}

#[test]
fn lines_without_times_are_records_of_their_own() {
    insta::assert_snapshot!(shown("one\ntwo\n  indented\nTraceback (most recent call last):\n  File x\nValueError: no\n"), @r"
    1-1 0 - [] one
    2-5 0 - [] two⏎  indented⏎Traceback (most recent call last):⏎  File x
    6-6 0 - [] ValueError: no
    ");
}

#[test]
fn hostile_files_are_bounded() {
    let mut huge = vec![b'x'; 3_000_000];
    huge.extend_from_slice(b"\nsecond\n\xff\xfe invalid\n");
    let read = records(&huge);
    assert_eq!(read.len(), 3);
    assert!(read[0].raw.len() <= super::super::lines::MAX_LINE);
    assert_eq!((read[1].raw.as_str(), read[1].start_line), ("second", 2));
    assert!(read[2].raw.ends_with("invalid"));
    let endless: String = "2026-11-22 10:00:00 INFO x\n".to_owned() + &"  y\n".repeat(100_000);
    let read = records(endless.as_bytes());
    assert!(read.iter().all(
        |record| record.end_line - record.start_line < MAX_RECORD_LINES && record.raw.len() <= MAX_RECORD
    ));
    assert_eq!(read.last().unwrap().end_line, 100_001);
}

#[test]
fn gzip_is_known_by_its_magic() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"2026-11-22 10:00:00 INFO one\n2026-11-22 10:00:01 INFO two\n").unwrap();
    let mut packed = packed.finish().unwrap();
    assert_eq!(records(&packed).len(), 2);
    packed.extend(packed.clone());
    assert_eq!(records(&packed).len(), 4, "members follow one another");
}
