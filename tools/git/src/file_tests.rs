use super::*;
use millwright_testkit::repository::TestRepo;

#[test]
fn names_what_is_not_a_file() {
    let repo = TestRepo::new();
    repo.write(&[("src/a.py", "one\ntwo"), ("empty", "")]);
    std::os::unix::fs::symlink("/etc/passwd", repo.work().join("link")).unwrap();
    std::fs::write(repo.work().join("x.bin"), [b'a', 0, b'b']).unwrap();
    std::fs::write(repo.work().join("latin"), b"caf\xe9\n").unwrap();
    std::fs::write(repo.work().join("huge"), vec![b'h'; MAX_FILE_BYTES as usize + 1]).unwrap();
    let first = repo.commit("first", &[]);
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{first},lib")]);
    repo.git(&["commit", "--quiet", "--message", "submodule"]);
    let head = repo.head();
    let repo = Repo::open(&repo.work(), &repo.data()).unwrap();
    let check = |path: &str, expected: &str| {
        let answer = match blob_at(&repo, &head, path) {
            Ok(blob) => {
                format!("{:?} link={} {:?}", blob.path, blob.is_link, blob.text().map_err(|e| e.to_string()))
            }
            Err(error) => error.to_string().replace(head.as_str(), "HEAD").replace(first.as_str(), "FIRST"),
        };
        assert_eq!(answer, expected, "{path}");
    };
    check("src/a.py", r#""src/a.py" link=false Ok("one\ntwo")"#);
    check("./src/a.py", r#""src/a.py" link=false Ok("one\ntwo")"#);
    check("empty", r#""empty" link=false Ok("")"#);
    check("link", r#""link" link=true Ok("/etc/passwd")"#);
    check("latin", "\"latin\" link=false Ok(\"caf\u{fffd}\\n\")");
    check("x.bin", r#""x.bin" link=false Err("\"x.bin\" is binary")"#);
    check("huge", r#""huge" has 16777217 bytes, more than the 16777216 that are read from a file"#);
    check("src", r#""src" is a folder with 1 entries: a.py, not a file"#);
    check("lib", r#""lib" is a submodule, pinned at FIRST, not a file"#);
    check("", r#""" is the top folder, not a file"#);
    for path in ["nowhere", "src/a.py/x", "../clone/src/a.py", "/etc/passwd", "a\0b"] {
        assert!(matches!(blob_at(&repo, &head, path), Err(RepoError::NoSuchPath { .. })), "{path:?}");
    }
    let listed: Vec<_> =
        entries_at(&repo, &head).unwrap().into_iter().map(|entry| (entry.path, entry.kind)).collect();
    assert_eq!(listed.len(), 7);
    assert_eq!(listed[3], ("lib".to_owned(), EntryKind::Submodule));
    assert_eq!(listed[4], ("link".to_owned(), EntryKind::Link));
    assert_eq!(files_at(&repo, &first).unwrap().len(), 6);
}
