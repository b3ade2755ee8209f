//! New files that only one user may read. Root works beside a coordinator of another user (`sudo wonder user create`): what it
//! makes belongs to whom the files around belong to, who could not open it otherwise. Called by `private_file` and
//! `store`. Never gives away a file that was there: others may have put a link in its place.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::Path;

/// Makes a file, mode 0600, with the owner and group of `like` where root makes it. It is an error where there is one.
pub fn make(path: &Path, like: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create_new(true).read(true).write(true).mode(0o600).open(path)?;
    if rustix::process::geteuid().is_root() {
        let like = fs::metadata(like)?;
        fchown(&file, Some(like.uid()), Some(like.gid()))?;
    }
    Ok(file)
}

/// Opens a file to read and write; where there is none, it is made like the directory that it is in.
pub fn open(path: &Path) -> io::Result<File> {
    match make(path, directory(path)) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            // A link to a file that is not there yet counts as one, too.
            OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)
        }
        made => made,
    }
}

/// The directory that a file is in.
pub fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{chown, symlink};

    /// Whose a file is, and who may read it.
    fn of(path: &Path) -> (u32, u32, u32) {
        let metadata = fs::metadata(path).unwrap();
        (metadata.uid(), metadata.gid(), metadata.mode() & 0o777)
    }

    /// A directory of somebody else, where the tests run as root.
    fn elsewhere() -> (tempfile::TempDir, u32, u32) {
        let directory = tempfile::tempdir().unwrap();
        if rustix::process::geteuid().is_root() {
            chown(directory.path(), Some(4711), Some(4712)).unwrap();
        }
        let (uid, gid, _) = of(directory.path());
        (directory, uid, gid)
    }

    #[test]
    fn what_root_makes_belongs_to_whom_the_directory_belongs_to() {
        let (directory, uid, gid) = elsewhere();
        let path = directory.path().join("new");
        drop(open(&path).unwrap());
        assert_eq!(of(&path), (uid, gid, 0o600));
        assert_eq!(make(&path, &path).unwrap_err().kind(), ErrorKind::AlreadyExists);
    }

    #[test]
    fn what_a_link_leads_to_is_not_given_away() {
        let (directory, ..) = elsewhere();
        let target = tempfile::NamedTempFile::new().unwrap();
        let (path, before) = (directory.path().join("lock"), of(target.path()));
        symlink(target.path(), &path).unwrap();
        drop(open(&path).unwrap());
        assert_eq!(of(target.path()), before);
    }
}
