//! `wonder serve`: reads the settings, runs the coordinator, and says when it is ready.

use clap::Args;

use super::ctx::Ctx;
use super::wait::wait;
use crate::config::server::{Flags, Settings};
use crate::core::Result;
use crate::server::ready::Ready;

const EXAMPLES: &str = "\
Examples:
  wonder serve
      on every address, port 8080, data in the data directory

  wonder serve --listen 192.168.1.10:8080 --ephemeral-grace 30s
      at home

  wonder serve --listen :443 --url https://mesh.example.org --tls-cert cert.pem --tls-key key.pem
      on the Internet";

/// Run the coordinator
///
/// Everything it needs is in this program: database, relay and all. The first start says on stderr how to make
/// the first account. When it is ready, one line on stdout says where it listens. SIGTERM ends it gently.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Serve {
    #[command(flatten)]
    flags: Flags,
}

/// Starts the coordinator, and returns when it has been told to stop.
pub fn run(ctx: &Ctx, serve: Serve) -> Result<()> {
    let settings = Settings::load(serve.flags)?;
    wait(crate::server::serve(settings, |ready| announce(ctx, ready)))
}

fn announce(ctx: &Ctx, ready: &Ready) -> Result<()> {
    if let Some(code) = &ready.setup_code {
        ctx.ui.notice(&format!(
            "There is no account yet. Make the first one, an administrator, on this host:\n  \
             wonder user create EMAIL\nor from anywhere, once, with the code that is shown here alone: in a browser at\n  \
             {url}/setup\nwith the code\n  {code}\nor by\n  \
             wonder login {url} --setup-code {code}",
            url = ready.url,
            code = code.reveal()
        ));
    }
    ctx.ui.show(ready, || ready.to_string())
}
