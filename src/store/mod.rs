//! The database: one file a noun with its row type and its SQL, over SQLite and PostgreSQL alike.
