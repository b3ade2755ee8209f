//! `/organizations/{org}/nodes` and `…/approvals`.
