//! Mail by SMTP (RFC 5321), for what has to reach somebody who is not here yet. One connection a message. What a
//! mail server refuses is told to the caller and changes nothing else.

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use std::time::Duration;

use crate::config::server::{Mail, MailTls};
use crate::core::user::Email;
use crate::core::{Error, Kind, Result};

/// How long a message may take, from the connection to the server's word that it has it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The way to the mail server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mailer {
    /// Nothing is sent yet; what can be seen to be wrong with the settings is.
    pub fn new(mail: &Mail) -> Result<Mailer> {
        let from = mail.from.parse().map_err(|e: lettre::address::AddressError| {
            Error::usage("malformed_setting", format!("mail.from {:?} is no e-mail address", mail.from))
                .hint("write it like mesh@example.org, or: Our mesh <mesh@example.org>")
                .source(e)
        })?;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&mail.host)
            .port(mail.port)
            .timeout(Some(PATIENCE))
            .tls(tls(mail)?);
        if let Some((name, password)) = &mail.log_in {
            builder = builder.credentials(Credentials::new(name.clone(), password.reveal().to_owned()));
        }
        Ok(Mailer { transport: builder.build(), from })
    }

    /// Sends a text; done when the mail server has taken it. Fails with `mail_refused` or `mail_unreachable`.
    pub async fn send(&self, to: &Email, subject: &str, text: String) -> Result<()> {
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
        match tokio::time::timeout(PATIENCE, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(failure)) => Err(of_server(failure)),
            Err(_) => Err(unreachable("it does not answer in time")),
        }
    }
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
