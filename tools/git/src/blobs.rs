/*!
Reads many blobs through one git process. Git keeps the bases of deltas while it reads, which makes neighbouring
versions of a file cheap; libgit2 rebuilds each one from its base.
*/

use std::io::{BufRead, BufReader, Read, Write};

use super::{Repo, RepoError};

/// Larger contents are skipped: no person wrote them.
const MAX_BLOB: u64 = 4 << 20;

/// Reads `ids` (hexadecimal, or `REVISION:PATH`) and passes the contents to `visit`, in the same order. The content is
/// `None` when the object is missing, is not a blob, or is larger than four megabytes.
///
/// # Errors
/// When git fails.
pub fn read_blobs(
    repo: &Repo,
    ids: &[String],
    mut visit: impl FnMut(&str, Option<Vec<u8>>),
) -> Result<(), RepoError> {
    if ids.is_empty() {
        return Ok(());
    }
    let io = |source| RepoError::Io { action: "reading blobs of", path: repo.path().to_owned(), source };
    let (input, mut feed) = std::io::pipe().map_err(io)?;
    std::thread::scope(|scope| {
        // Ended when this closure is left in any way: without a reader git blocks, and with it the thread that feeds it.
        let mut stream = repo.git().args(["cat-file", "--batch", "--buffer"]).input(input).stream()?;
        scope.spawn(move || {
            for id in ids {
                // Git ends early when it fails; its exit status says why.
                if writeln!(feed, "{id}").is_err() {
                    return;
                }
            }
        });
        let mut input = BufReader::with_capacity(1 << 18, &mut stream);
        for id in ids {
            visit(id, read_blob(&mut input).map_err(io)?);
        }
        drop(input);
        Ok(stream.finish()?)
    })
}

/// `ID blob SIZE`, the content and a line break; or one line that says what is wrong.
fn read_blob(input: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut head = String::new();
    if input.read_line(&mut head)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let fields: Vec<&str> = head.trim_end().split(' ').collect();
    // What is missing is answered by the name that was asked for, which can have blanks, and a word.
    let [_, kind, size] = fields[..] else { return Ok(None) };
    let Ok(size) = size.parse::<u64>() else { return Ok(None) };
    let mut content = Vec::new();
    if kind == "blob" && size <= MAX_BLOB {
        content.reserve_exact(size as usize);
        input.by_ref().take(size).read_to_end(&mut content)?;
    } else {
        std::io::copy(&mut input.by_ref().take(size), &mut std::io::sink())?;
        input.read_until(b'\n', &mut Vec::new())?;
        return Ok(None);
    }
    input.read_until(b'\n', &mut Vec::new())?;
    Ok((content.len() as u64 == size).then_some(content))
}

#[cfg(test)]
mod tests {
    use super::*;
    use millwright_testkit::repository::TestRepo;

    #[test]
    fn missing_and_large_objects_are_left_out() {
        let repo = TestRepo::new();
        let large = "x\n".repeat(3 << 20);
        let head = repo.commit("first", &[("a.py", "a = 1\n"), ("large.py", &large), ("empty.py", "")]);
        let id = |path: &str| repo.git(&["rev-parse", &format!("HEAD:{path}")]);
        let ids = vec![
            id("a.py"),
            "ab".repeat(20),
            id("large.py"),
            head.to_string(),
            format!("{head}:gone blob 5"),
            id("empty.py"),
            format!("{head}:a.py"),
        ];
        let opened = Repo::open(&repo.work(), &repo.data()).unwrap();
        let mut found = Vec::new();
        read_blobs(&opened, &ids, |id, content| found.push((id.to_owned(), content))).unwrap();
        let contents: Vec<Option<&[u8]>> = found.iter().map(|(_, content)| content.as_deref()).collect();
        assert_eq!(contents, [Some(&b"a = 1\n"[..]), None, None, None, None, Some(b""), Some(b"a = 1\n")]);
        assert!(found.iter().map(|(id, _)| id).eq(&ids));
    }
}
