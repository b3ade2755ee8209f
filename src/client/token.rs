//! Join tokens.

use ureq::http::Method;

use super::call::{NOTHING, segment};
use super::{Client, organization};
use crate::api::{CreateToken, NewToken, Token, TokenAnswer, TokenList};
use crate::core::Result;

impl Client {
    pub fn create_token(&self, org: &str, what: &CreateToken) -> Result<NewToken> {
        self.call(Method::POST, &tokens(org)?, Some(what))
    }

    pub fn tokens(&self, org: &str) -> Result<Vec<Token>> {
        self.list(&tokens(org)?, |page: TokenList| (page.tokens, page.next_cursor))
    }

    /// Revokes a token, by id or name. What it has minted goes with it; the nodes that joined stay.
    pub fn revoke_token(&self, org: &str, token: &str) -> Result<Token> {
        let path = format!("{}/{}", tokens(org)?, segment(token)?);
        self.call(Method::DELETE, &path, NOTHING).map(|answer: TokenAnswer| answer.token)
    }
}

fn tokens(org: &str) -> Result<String> {
    Ok(format!("{}/tokens", organization::path(org)?))
}
