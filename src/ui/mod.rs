//! How a person sees it: prompts, tables, progress, errors. Decides nothing.
