//! What this device keeps about its own join, in `worker.toml`. Called by `cli/worker`.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

use super::private_file::{self, lock, reveal};
use crate::core::secret::Secret;
use crate::core::url::BaseUrl;
use crate::core::{Error, Kind, Result, Timestamp};

/// A join that was begun; whole once `node` is known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkerRecord {
    pub coordinator: BaseUrl,
    /// The bearer token with which the device asks about itself, and takes itself out.
    #[serde(serialize_with = "reveal")]
    pub worker_key: Secret,
    /// SHA-256 of the join token that was spent, in hexadecimal: by it the token is known again.
    pub token: String,
    pub joined_at: Timestamp,
    /// The node as the coordinator told it, whose shape is the API's; an older file has its id alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<toml::Value>,
}

/// Reads the text of a worker file. Its errors quote none of it: a secret may stand there.
pub fn parse(text: &str) -> Result<WorkerRecord> {
    toml::from_str(text)
        .map_err(|_| Error::new(Kind::Local, "corrupt_worker_file", "it is not a worker file"))
}

/// The file itself.
#[derive(Clone, Debug)]
pub struct WorkerFile(PathBuf);

impl WorkerFile {
    /// The file in a configuration directory; nothing is touched yet.
    pub fn in_directory(directory: &Path) -> Self {
        WorkerFile(directory.join("worker.toml"))
    }

    /// The join that this device knows of.
    pub fn read(&self) -> Result<Option<WorkerRecord>> {
        let text = private_file::read(&self.0)?;
        text.map(|text| parse(&text).map_err(|error| self.corrupt(&error))).transpose()
    }

    pub fn write(&self, record: &WorkerRecord) -> Result<()> {
        let text =
            toml::to_string(record).map_err(|e| Error::bug("a worker does not fit into TOML").source(e))?;
        private_file::replace(&lock(&self.0)?, &self.0, &text)
    }

    pub fn remove(&self) -> Result<()> {
        if !self.0.exists() {
            return Ok(());
        }
        private_file::remove(&lock(&self.0)?, &self.0)
    }

    fn corrupt(&self, error: &Error) -> Error {
        let message = format!("{} cannot be read: {error}", self.0.display());
        Error::new(Kind::Local, error.code(), message)
            .hint("move it away; `wonder worker join` writes a new one")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back_and_goes() {
        let directory = tempfile::tempdir().unwrap();
        let file = WorkerFile::in_directory(directory.path());
        assert!(file.read().unwrap().is_none());
        let record = WorkerRecord {
            coordinator: "http://10.0.0.1:8080".parse().unwrap(),
            worker_key: Secret::new("wwk_x"),
            token: "ab".into(),
            joined_at: Timestamp::from_millis(5),
            node: None,
        };
        file.write(&record).unwrap();
        assert_eq!(file.read().unwrap().unwrap().worker_key.reveal(), "wwk_x");
        file.remove().unwrap();
        assert!(file.read().unwrap().is_none());
    }

    #[test]
    fn a_corrupt_file_is_named_and_not_quoted() {
        let directory = tempfile::tempdir().unwrap();
        let file = WorkerFile::in_directory(directory.path());
        std::fs::write(directory.path().join("worker.toml"), "worker_key = hush").unwrap();
        let error = file.read().unwrap_err();
        assert!(error.message().contains("worker.toml") && !error.message().contains("hush"), "{error}");
    }
}
