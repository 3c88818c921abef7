//! A Secret as files, kept as kubelet keeps an optional volume: what is seen changes all at once.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// The content of a Secret by file name.
pub(in crate::istio) type Files = BTreeMap<String, Vec<u8>>;

/// The directory that a program watches.
///
/// Its files are links through `..data` into a directory with the moment in its name; kubelet
/// writes a new one of these and then moves `..data`, which is the only thing a watcher sees as
/// long as the names stay the same.
#[derive(Debug)]
pub(in crate::istio) struct Mount {
    dir: PathBuf,
    files: Files,
    written: usize,
}

const DATA: &str = "..data";

impl Mount {
    /// Makes the directory as a new pod finds it.
    pub(super) fn new(dir: &Path, files: Files) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let mut mount = Self {
            dir: dir.to_owned(),
            files: Files::new(),
            written: 0,
        };
        mount.swap(files)?;
        Ok(mount)
    }

    /// Shows these files from now on; what is the same already is left alone.
    pub(in crate::istio) fn set(&mut self, files: Files) -> io::Result<()> {
        if files == self.files {
            return Ok(());
        }
        self.swap(files)
    }

    fn swap(&mut self, files: Files) -> io::Result<()> {
        let before = fs::read_link(self.dir.join(DATA)).ok();
        let now = self.write(&files)?;
        let unfinished = self.dir.join("..data_tmp");
        symlink(&now, &unfinished)?;
        fs::rename(&unfinished, self.dir.join(DATA))?;
        for name in files.keys().filter(|name| !self.files.contains_key(*name)) {
            symlink(Path::new(DATA).join(name), self.dir.join(name))?;
        }
        for name in self.files.keys().filter(|name| !files.contains_key(*name)) {
            fs::remove_file(self.dir.join(name))?;
        }
        if let Some(before) = before {
            fs::remove_dir_all(self.dir.join(before))?;
        }
        self.files = files;
        Ok(())
    }

    /// Writes a directory that nothing leads to yet; its name.
    fn write(&mut self, files: &Files) -> io::Result<String> {
        self.written += 1;
        let moment = Timestamp::now().strftime("%Y_%m_%d_%H_%M_%S");
        let name = format!("..{moment}.{}", self.written);
        let dir = self.dir.join(&name);
        fs::create_dir(&dir)?;
        for (file, content) in files {
            fs::write(dir.join(file), content)?;
        }
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(all: &[(&str, &str)]) -> Files {
        let owned = |(name, content): &(&str, &str)| ((*name).into(), (*content).into());
        all.iter().map(owned).collect()
    }

    fn seen(dir: &Path) -> Files {
        let mut seen = Files::new();
        for entry in fs::read_dir(dir).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if !name.starts_with("..") {
                seen.insert(name.clone(), fs::read(dir.join(name)).unwrap());
            }
        }
        seen
    }

    #[test]
    fn a_reader_sees_what_was_set_last_and_nothing_is_left_of_what_was_before() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("etc/cacerts");
        let mut mount = Mount::new(&dir, Files::new()).unwrap();
        assert_eq!(seen(&dir), Files::new());
        for content in [
            files(&[("a", "1"), ("b", "2")]),
            files(&[("b", "3"), ("c", "4")]),
            files(&[]),
        ] {
            mount.set(content.clone()).unwrap();
            assert_eq!(seen(&dir), content);
            // `..data` and where it leads to.
            let entries = fs::read_dir(&dir).unwrap().count();
            assert_eq!(entries, content.len() + 2);
        }
    }

    #[test]
    fn a_name_that_stays_keeps_its_link_and_leads_elsewhere() {
        let place = tempfile::tempdir().unwrap();
        let mut mount = Mount::new(place.path(), files(&[("a", "1")])).unwrap();
        let link = place.path().join("a");
        let made = fs::symlink_metadata(&link).unwrap().modified().unwrap();
        let led_to = fs::canonicalize(&link).unwrap();
        mount.set(files(&[("a", "2")])).unwrap();
        let kept = fs::symlink_metadata(&link).unwrap().modified().unwrap();
        assert_eq!(kept, made);
        assert_ne!(fs::canonicalize(&link).unwrap(), led_to);
    }
}
