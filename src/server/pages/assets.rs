//! The static files: one stylesheet, one script, one icon. Their names carry a digest of their content, so
//! that a browser keeps them for ever and never keeps an old one.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header;
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

use crate::core::{Error, Kind, hex};
use crate::server::problem::Failure;

/// Where they are served.
const PREFIX: &str = "/assets/";

struct Asset {
    path: String,
    kind: &'static str,
    content: &'static [u8],
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("style", "css", "text/css; charset=utf-8", include_bytes!("assets/style.css"))
});
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("script", "js", "text/javascript; charset=utf-8", include_bytes!("assets/script.js"))
});
static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_bytes!("assets/icon.svg")));

impl Asset {
    fn new(name: &str, extension: &str, kind: &'static str, content: &'static [u8]) -> Self {
        let digest = hex::encode(&Sha256::digest(content)[..8]);
        Asset { path: format!("{PREFIX}{name}-{digest}.{extension}"), kind, content }
    }
}

/// Where the stylesheet is.
pub fn style() -> &'static str {
    &STYLE.path
}

/// Where the script is.
pub fn script() -> &'static str {
    &SCRIPT.path
}

/// Where the icon is.
pub fn icon() -> &'static str {
    &ICON.path
}

/// `GET /assets/{name}`.
pub async fn serve(Path(name): Path<String>) -> Response {
    let is_it = |asset: &&&LazyLock<Asset>| asset.path.strip_prefix(PREFIX) == Some(&name);
    let Some(asset) = [&STYLE, &SCRIPT, &ICON].iter().find(is_it).copied() else {
        let error = Error::new(Kind::NotFound, "asset_not_found", "this file is not, or no longer, here");
        return Failure::from(error).into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, asset.kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, asset.content).into_response()
}
