//! The built command line, as a person with a configuration directory of their own.

use serde_json::Value;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

use super::netns::{self, NetNs};

/// Seconds after which a command counts as hung; `timeout` then ends it with status 124.
const PATIENCE: &str = "120";

/// One person's command line.
pub struct Wonder {
    config: TempDir,
    environment: Vec<(String, String)>,
    namespace: Option<String>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Wonder {
    pub fn new() -> Wonder {
        Wonder { config: tempfile::tempdir().unwrap(), environment: Vec::new(), namespace: None }
    }

    /// With one more environment variable for every command.
    pub fn env(mut self, key: &str, value: impl AsRef<str>) -> Wonder {
        self.environment.push((key.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Whose commands run in `namespace`.
    pub fn inside(mut self, namespace: &NetNs) -> Wonder {
        self.namespace = Some(namespace.name().to_owned());
        self
    }

    pub fn config_dir(&self) -> &Path {
        self.config.path()
    }

    /// Runs `wonder` with these arguments and nothing on its stdin.
    pub fn run(&self, args: &[&str]) -> Run {
        self.run_with(args, "")
    }

    /// Runs `wonder` with `input` on its stdin.
    pub fn run_with(&self, args: &[&str], input: &str) -> Run {
        let mut command = match &self.namespace {
            Some(namespace) => netns::command_in(namespace, "timeout"),
            None => Command::new("timeout"),
        };
        command.arg(PATIENCE).arg(env!("CARGO_BIN_EXE_wonder")).args(args);
        clean_environment(&mut command);
        command.env("WONDER_CONFIG_DIR", self.config.path());
        command.envs(self.environment.iter().map(|(key, value)| (key, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("timeout(1) is there");
        // A command that reads nothing may have ended before it is written to.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("wonder prints UTF-8"),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs with `--json`, which must succeed: the document on stdout.
    pub fn json(&self, args: &[&str]) -> Value {
        self.json_with(args, "")
    }

    /// [`Wonder::json`] with `input` on stdin.
    pub fn json_with(&self, args: &[&str], input: &str) -> Value {
        let run = self.run_with(&[args, &["--json"]].concat(), input);
        assert_eq!(run.code, 0, "wonder {args:?}: {}", run.stderr);
        serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("wonder {args:?}: {e}: {}", run.stdout))
    }

    /// Runs with `--json`, which must fail with `code`: the error on stderr. stdout must be empty.
    pub fn error(&self, args: &[&str], code: i32) -> Value {
        let run = self.run(&[args, &["--json"]].concat());
        assert_eq!(run.code, code, "wonder {args:?}: {run:?}");
        assert_eq!(run.stdout, "", "wonder {args:?}");
        let document: Value = serde_json::from_str(run.stderr.trim())
            .unwrap_or_else(|e| panic!("wonder {args:?}: {e}: {}", run.stderr));
        document["error"].clone()
    }
}

/// Takes away what the tester's own environment would say to `wonder`.
pub fn clean_environment(command: &mut Command) {
    for (key, _) in std::env::vars_os() {
        if key.to_string_lossy().starts_with("WONDER_") {
            command.env_remove(&key);
        }
    }
}
