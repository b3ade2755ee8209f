//! What the pages of second factors say.

pub const TITLE: &str = "Passkeys, codes and recovery";
pub const LEAD: &str = "What opens your account beside your password. With any of these, a password alone is not enough any more. Who logs in at a provider is asked for what that provider asks for.";
pub const SUMMARY: &str =
    "Open your account by finger, face or PIN, and let nobody in who has learned your password.";
pub const MANAGE: &str = "Manage";
pub const BACK: &str = "Settings";

pub const APP: &str = "Authenticator app";
pub const APP_OFF: &str = "An app on your phone shows a new six-digit code every half minute.";
pub const APP_ON: &str = "Your app shows the code that a log-in asks for.";
pub const ON: &str = "On";
pub const OFF: &str = "Off";
pub const SINCE: &str = "Since ";
pub const APP_ADD: &str = "Add an authenticator app";
pub const APP_REMOVE: &str = "Remove the app…";
pub const APP_REMOVE_WORDS: &str = "Its codes open nothing any more, and your other log-ins end.";
pub const REMOVE_YES: &str = "Remove";
pub const APP_REMOVED: &str = "Your authenticator app is removed, and your other log-ins have ended.";
pub const APP_ADDED: &str = "Your authenticator app is added.";

pub const SCAN: &str = "Scan this with your authenticator app:";
pub const PICTURE: &str = "QR code of the secret for your authenticator app";
pub const TYPE: &str = "Or type this secret there:";
pub const SECRET: &str = "Secret";
pub const CODE: &str = "Code";
pub const CODE_SHOWN: &str = "Six digits, which the app shows now.";
pub const SWITCH_ON: &str = "Switch on";

pub const CODES: &str = "Recovery codes";
pub const CODES_LEAD: &str = "For the day on which your phone or key is lost. Each works once.";
pub const CODES_NONE: &str = "You are given ten with your first authenticator app or passkey.";
pub const CODES_LEFT: &str = "left";
pub const CODES_RENEW: &str = "Make new codes…";
pub const CODES_RENEW_WORDS: &str = "The codes that you have now are worth nothing then.";
pub const CODES_RENEW_YES: &str = "Make ten new codes";
pub const CODES_ONCE: &str =
    "Print them, or keep them in a password manager. They are shown this once, and each works once.";
pub const CODES_KEPT: &str = "I have kept them";

pub const STEP: &str = "One more step";
pub const STEP_LEAD: &str = "Your password is right. Now show a second factor of ";
pub const STEP_CODE: &str = "Code of your app, or a recovery code";
pub const STEP_RECOVERY: &str = "Recovery code";
pub const STEP_BUTTON: &str = "Log in";
pub const STEP_AGAIN: &str = "Log in as somebody else";
pub const STEP_LOST: &str =
    "Everything lost? Whoever runs this coordinator takes your second factors off with ";
pub const STEP_COMMAND: &str = "wonder user reset-password --reset-factors";
pub const RECOVERED: &str = "You used a recovery code. Of those you have left: ";

pub const CONFIRM: &str = "Is it you?";
pub const CONFIRM_LEAD: &str =
    "Who changes what opens your account, or logs a command line in, has just shown who they are.";
pub const CONFIRM_BUTTON: &str = "Go on";
pub const CONFIRM_AGAIN: &str = "You have neither a password nor a code here: log in once more as you did.";
pub const CONFIRM_LOG_IN: &str = "Log in again";
