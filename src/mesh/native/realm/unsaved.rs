//! What devices said of themselves and the database does not hold yet. Realms put it here, `service` writes
//! it in the background: a device never waits for the disk to say where it is.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

use crate::core::id::NodeNumber;
use crate::core::node::Report;

/// The newest report of each node that waits to be written: bounded by the number of nodes.
#[derive(Default)]
pub struct Unsaved {
    reports: Mutex<HashMap<NodeNumber, Report>>,
    added: Notify,
}

impl Unsaved {
    pub fn add(&self, number: NodeNumber, report: Report) {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).insert(number, report);
        self.added.notify_one();
    }

    /// Puts back what could not be written, unless something newer has come.
    pub fn put_back(&self, reports: HashMap<NodeNumber, Report>) {
        let mut waiting = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        for (number, report) in reports {
            waiting.entry(number).or_insert(report);
        }
        self.added.notify_one();
    }

    /// Waits until there is something to write.
    pub async fn filled(&self) {
        self.added.notified().await;
    }

    pub fn take(&self) -> HashMap<NodeNumber, Report> {
        std::mem::take(&mut *self.reports.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
