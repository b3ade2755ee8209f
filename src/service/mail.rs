//! Mail by SMTP (RFC 5321), for what has to reach somebody who is not here yet. One connection a message. What a
//! mail server refuses is told to the caller and changes nothing else. The password there is that of the settings, or one that
//! is kept sealed: read for each message, so that a new one counts at once.

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use std::time::Duration;

use super::app::App;
use super::audit::{self, Change};
use super::sealed;
use super::user::Operator;
use crate::config::server::{Mail, MailTls};
use crate::core::action::Action;
use crate::core::secret::Secret;
use crate::core::user::Email;
use crate::core::{Error, Kind, Result};
use crate::store::Tx;
use crate::store::sealed_secret::{self, SealedSecret};

/// How long a message may take, from the connection to the server's word that it has it.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the password of the mail server is kept as.
const PASSWORD: &str = "password of the mail server";

/// The way to the mail server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mailer {
    host: String,
    port: u16,
    tls: Tls,
    from: Mailbox,
    username: Option<String>,
    /// None: the one that is kept sealed.
    password: Option<Secret>,
}

impl Mailer {
    /// Nothing is sent yet; what can be seen to be wrong with the settings is.
    pub fn new(mail: &Mail) -> Result<Mailer> {
        let from = mail.from.parse().map_err(|e: lettre::address::AddressError| {
            Error::usage("malformed_setting", format!("mail.from {:?} is no e-mail address", mail.from))
                .hint("write it like mesh@example.org, or: Our mesh <mesh@example.org>")
                .source(e)
        })?;
        let Mail { host, port, username, password, .. } = mail.clone();
        Ok(Mailer { host, port, tls: tls(mail)?, from, username, password })
    }

    /// Sends a text; done when the mail server has taken it. Fails with `mail_refused`, `mail_unreachable` or
    /// `mail_password_missing`.
    pub async fn send(&self, app: &App, to: &Email, subject: &str, text: String) -> Result<()> {
        let refused = |what: &str| Error::new(Kind::Unavailable, "mail_refused", what);
        let to: Address = to.as_str().parse().map_err(|e: lettre::address::AddressError| {
            refused("no mail can be sent to this address").source(e)
        })?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(text)
            .map_err(|e| Error::bug("a mail could not be put together").source(e))?;
        let transport = self.transport(app).await?;
        match tokio::time::timeout(PATIENCE, transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(failure)) => Err(of_server(failure)),
            Err(_) => Err(unreachable("it does not answer in time")),
        }
    }

    async fn transport(&self, app: &App) -> Result<AsyncSmtpTransport<Tokio1Executor>> {
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host)
            .port(self.port)
            .timeout(Some(PATIENCE))
            .tls(self.tls.clone());
        if let Some(name) = &self.username {
            let password = self.password(app).await?;
            builder = builder.credentials(Credentials::new(name.clone(), password.reveal().to_owned()));
        }
        Ok(builder.build())
    }

    async fn password(&self, app: &App) -> Result<Secret> {
        match &self.password {
            Some(password) => Ok(password.clone()),
            None => sealed::open_text(app, &kept(app).await?.ok_or_else(missing)?),
        }
    }
}

/// Says so in the log where mail cannot go out because its password is nowhere. For the coordinator's start.
pub async fn look(app: &App) -> Result<()> {
    let mailer = app.settings().mailer.as_ref();
    let asks = mailer.is_some_and(|mailer| mailer.username.is_some() && mailer.password.is_none());
    if asks && kept(app).await?.is_none() {
        tracing::warn!("{}: `wonder mail set-password` keeps one", missing());
    }
    Ok(())
}

async fn kept(app: &App) -> Result<Option<SealedSecret>> {
    app.store().read(|read| sealed_secret::by_name(read, PASSWORD)).await
}

fn missing() -> Error {
    Error::new(Kind::Unavailable, "mail_password_missing", "there is no password for the mail server")
        .hint("`sudo wonder mail set-password` on the coordinator's host keeps one, sealed")
}

/// Keeps the password of the mail server, sealed, in the place of any earlier. It counts for the next message.
pub async fn set_password(app: &App, operator: &Operator, password: &Secret) -> Result<()> {
    let (actor, now) = (operator.actor().clone(), app.now());
    let sealed = sealed::seal(app, PASSWORD, password.reveal().as_bytes())?;
    let keep = move |tx: &mut Tx<'_>| {
        sealed::replace(tx, &sealed)?;
        audit::record(tx, now, &actor, Change::nameless(Action::MailSetPassword, PASSWORD))
    };
    app.store().write(keep).await
}

/// Forgets it; fails where there is none.
pub async fn forget_password(app: &App, operator: &Operator) -> Result<()> {
    let (actor, now) = (operator.actor().clone(), app.now());
    let forget = move |tx: &mut Tx<'_>| {
        if sealed_secret::by_name(tx, PASSWORD)?.is_none() {
            return Err(Error::new(Kind::NotFound, "mail_password_missing", "no password is kept here")
                .hint("one that is in the settings, or in a file that they name, is forgotten there"));
        }
        sealed_secret::delete(tx, PASSWORD)?;
        audit::record(tx, now, &actor, Change::nameless(Action::MailForgetPassword, PASSWORD))
    };
    app.store().write(forget).await
}

fn tls(mail: &Mail) -> Result<Tls> {
    if mail.tls == MailTls::None {
        return Ok(Tls::None);
    }
    let unusable = |e: lettre::transport::smtp::Error| {
        Error::usage("malformed_setting", "the certificates of mail.ca-file cannot be read")
            .hint("it holds certificates as PEM")
            .source(e)
    };
    let mut parameters = TlsParameters::builder(mail.host.clone());
    if let Some(pem) = &mail.authorities {
        parameters = parameters.add_root_certificate(Certificate::from_pem(pem).map_err(unusable)?);
    }
    let parameters = parameters.build_rustls().map_err(unusable)?;
    Ok(if mail.tls == MailTls::Tls { Tls::Wrapper(parameters) } else { Tls::Required(parameters) })
}

/// What the server says is for the log; its number is for the caller.
fn of_server(failure: lettre::transport::smtp::Error) -> Error {
    let error = match failure.status() {
        Some(status) => {
            let message = format!("the mail server refuses it with {status}");
            Error::new(Kind::Unavailable, "mail_refused", message)
        }
        None if failure.is_tls() => unreachable("its certificate is not trusted, or it speaks no TLS"),
        None if failure.is_timeout() => unreachable("it does not answer in time"),
        None => unreachable("there is no way to it, or it does not speak SMTP as it should"),
    };
    error.source(failure)
}

fn unreachable(why: &str) -> Error {
    Error::new(Kind::Unavailable, "mail_unreachable", format!("the mail server cannot be reached: {why}"))
        .hint("whoever runs the coordinator finds the settings in [mail] of its file")
}
