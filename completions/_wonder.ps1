
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'wonder' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'wonder'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'wonder' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Run the coordinator')
            [CompletionResult]::new('user', 'user', [CompletionResultType]::ParameterValue, 'Accounts, on the coordinator''s own host')
            [CompletionResult]::new('login', 'login', [CompletionResultType]::ParameterValue, 'Log in to a coordinator')
            [CompletionResult]::new('logout', 'logout', [CompletionResultType]::ParameterValue, 'Log out: the log-in ends at the coordinator, and its profile goes')
            [CompletionResult]::new('whoami', 'whoami', [CompletionResultType]::ParameterValue, 'Show who is logged in, where')
            [CompletionResult]::new('token', 'token', [CompletionResultType]::ParameterValue, 'Join tokens: what a device joins with')
            [CompletionResult]::new('worker', 'worker', [CompletionResultType]::ParameterValue, 'This device')
            [CompletionResult]::new('node', 'node', [CompletionResultType]::ParameterValue, 'The devices of an organization')
            [CompletionResult]::new('key', 'key', [CompletionResultType]::ParameterValue, 'API keys: what a program logs in with')
            [CompletionResult]::new('key-ring', 'key-ring', [CompletionResultType]::ParameterValue, 'The master keys that seal what the coordinator must read back, on its own host')
            [CompletionResult]::new('mail', 'mail', [CompletionResultType]::ParameterValue, 'The password of the mail server, on the coordinator''s own host')
            [CompletionResult]::new('provider', 'provider', [CompletionResultType]::ParameterValue, 'OpenID Connect providers that people log in with, on the coordinator''s own host')
            [CompletionResult]::new('identity', 'identity', [CompletionResultType]::ParameterValue, 'The providers that log you in, and who you are there')
            [CompletionResult]::new('org', 'org', [CompletionResultType]::ParameterValue, 'Organizations: people who share one mesh')
            [CompletionResult]::new('audit', 'audit', [CompletionResultType]::ParameterValue, 'Who did what, and what was refused')
            [CompletionResult]::new('app', 'app', [CompletionResultType]::ParameterValue, 'Apps of third parties, which people let in with one click (OAuth 2.0)')
            [CompletionResult]::new('grant', 'grant', [CompletionResultType]::ParameterValue, 'What you, or an organization''s people, allowed apps')
            [CompletionResult]::new('deployer', 'deployer', [CompletionResultType]::ParameterValue, 'A platform''s own machine, through which it reaches the workers')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print what makes a shell complete the commands of wonder')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual page, or write every page into a directory')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wonder;serve' {
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Where to listen; port 0 takes a free one [default: [::]:8080]')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The URL that devices reach this coordinator by [default: the address it listens on]')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'Where the coordinator keeps what it must not lose [default: /var/lib/wonder for root]')
            [CompletionResult]::new('--database', '--database', [CompletionResultType]::ParameterName, '`sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME` [default: SQLite in the data directory]')
            [CompletionResult]::new('--tls-cert', '--tls-cert', [CompletionResultType]::ParameterName, 'The certificate chain of the coordinator, in PEM; read again on SIGHUP')
            [CompletionResult]::new('--tls-key', '--tls-key', [CompletionResultType]::ParameterName, 'The private key of that certificate, in PEM')
            [CompletionResult]::new('--derp-listen', '--derp-listen', [CompletionResultType]::ParameterName, 'Where the relay listens [default: the coordinator''s own port where that has TLS, else port 8443]')
            [CompletionResult]::new('--stun-listen', '--stun-listen', [CompletionResultType]::ParameterName, 'Where STUN listens, on UDP [default: port 3478]')
            [CompletionResult]::new('--ephemeral-grace', '--ephemeral-grace', [CompletionResultType]::ParameterName, 'How long an ephemeral node stays after its last disconnect [default: 2m]')
            [CompletionResult]::new('--audit-retention', '--audit-retention', [CompletionResultType]::ParameterName, 'How long the audit trail is kept, or `for-ever` [default: 400d]')
            [CompletionResult]::new('--metrics-listen', '--metrics-listen', [CompletionResultType]::ParameterName, 'Where Prometheus finds `/metrics`; a port alone means 127.0.0.1 [default: nowhere]')
            [CompletionResult]::new('--trusted-proxies', '--trusted-proxies', [CompletionResultType]::ParameterName, 'Proxies that are believed about whom they call for: networks, with commas')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'A TOML file with these settings and more (DNS, extra relays, limits)')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--no-derp', '--no-derp', [CompletionResultType]::ParameterName, 'Run neither relay nor STUN')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wonder;user' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Make an account; the first one is an administrator')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the accounts')
            [CompletionResult]::new('disable', 'disable', [CompletionResultType]::ParameterValue, 'Lock an account: its log-ins end, its devices stay')
            [CompletionResult]::new('enable', 'enable', [CompletionResultType]::ParameterValue, 'Unlock an account')
            [CompletionResult]::new('reset-password', 'reset-password', [CompletionResultType]::ParameterValue, 'Give an account a new password; its log-ins end')
            break
        }
        'wonder;user;create' {
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The coordinator''s data directory [default: /var/lib/wonder for root, else the user''s data directory]')
            [CompletionResult]::new('--database', '--database', [CompletionResultType]::ParameterName, 'The coordinator''s database, where it is not in the data directory')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Read the password from stdin')
            [CompletionResult]::new('--admin', '--admin', [CompletionResultType]::ParameterName, 'An administrator of the coordinator')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;user;list' {
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The coordinator''s data directory [default: /var/lib/wonder for root, else the user''s data directory]')
            [CompletionResult]::new('--database', '--database', [CompletionResultType]::ParameterName, 'The coordinator''s database, where it is not in the data directory')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;user;disable' {
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The coordinator''s data directory [default: /var/lib/wonder for root, else the user''s data directory]')
            [CompletionResult]::new('--database', '--database', [CompletionResultType]::ParameterName, 'The coordinator''s database, where it is not in the data directory')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;user;enable' {
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The coordinator''s data directory [default: /var/lib/wonder for root, else the user''s data directory]')
            [CompletionResult]::new('--database', '--database', [CompletionResultType]::ParameterName, 'The coordinator''s database, where it is not in the data directory')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;user;reset-password' {
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The coordinator''s data directory [default: /var/lib/wonder for root, else the user''s data directory]')
            [CompletionResult]::new('--database', '--database', [CompletionResultType]::ParameterName, 'The coordinator''s database, where it is not in the data directory')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Read the password from stdin')
            [CompletionResult]::new('--reset-factors', '--reset-factors', [CompletionResultType]::ParameterName, 'Take off its second factors and passkeys as well, for somebody who has lost them')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;login' {
            [CompletionResult]::new('--email', '--email', [CompletionResultType]::ParameterName, 'The e-mail address of the account')
            [CompletionResult]::new('--setup-code', '--setup-code', [CompletionResultType]::ParameterName, 'Make the first account with the one-time code that the first start printed ("-": from stdin)')
            [CompletionResult]::new('--code', '--code', [CompletionResultType]::ParameterName, 'A code of the account''s authenticator app, or a recovery code, where it has a second factor')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Read the password from stdin')
            [CompletionResult]::new('--device', '--device', [CompletionResultType]::ParameterName, 'Log in with a code that is entered in a browser, on this or another machine')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;logout' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;whoami' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;token' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Make a join token')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the join tokens')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Revoke a join token: no further device joins with it, those that have stay')
            break
        }
        'wonder;token;create' {
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long it can be used [default: 8h]')
            [CompletionResult]::new('--uses', '--uses', [CompletionResultType]::ParameterName, 'For how many devices [default: 1]')
            [CompletionResult]::new('--tag', '--tag', [CompletionResultType]::ParameterName, 'A tag for its devices; can be given several times')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'A name, to know it again')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--reusable', '--reusable', [CompletionResultType]::ParameterName, 'For any number of devices, until it expires')
            [CompletionResult]::new('--ephemeral', '--ephemeral', [CompletionResultType]::ParameterName, 'Its devices are removed soon after they go offline')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;token;list' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;token;revoke' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;worker' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('join', 'join', [CompletionResultType]::ParameterValue, 'Bring this device into the network that a join token is for')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show how this device stands')
            [CompletionResult]::new('leave', 'leave', [CompletionResultType]::ParameterValue, 'Take this device out of its network')
            break
        }
        'wonder;worker;join' {
            [CompletionResult]::new('--hostname', '--hostname', [CompletionResultType]::ParameterName, 'The name to ask for [default: this system''s own]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait until it is connected')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'Where tailscaled listens [default: where this system has it]')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace a log-in to another network')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;worker;status' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'Where tailscaled listens [default: where this system has it]')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wonder;worker;leave' {
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'Where tailscaled listens [default: where this system has it]')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Leave even where tailscaled is logged in to another network')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wonder;node' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the nodes')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show everything about a node')
            [CompletionResult]::new('rename', 'rename', [CompletionResultType]::ParameterValue, 'Give a node another name')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Remove a node: it is cut off at once, and has to join again')
            [CompletionResult]::new('expire', 'expire', [CompletionResultType]::ParameterValue, 'End a node''s key: the device has to log in again')
            [CompletionResult]::new('approve', 'approve', [CompletionResultType]::ParameterValue, 'Let a device in that waits for approval')
            [CompletionResult]::new('approve-routes', 'approve-routes', [CompletionResultType]::ParameterValue, 'Say which subnets are reached through a node: exactly those named')
            break
        }
        'wonder;node;list' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;node;show' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;node;rename' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;node;remove' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;node;expire' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;node;approve' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;node;approve-routes' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Everything that it offers')
            [CompletionResult]::new('--none', '--none', [CompletionResultType]::ParameterName, 'Nothing')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;key' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Make an API key')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the API keys')
            [CompletionResult]::new('rotate', 'rotate', [CompletionResultType]::ParameterValue, 'Give an API key a new secret; the old one works on for a while')
            [CompletionResult]::new('policy', 'policy', [CompletionResultType]::ParameterValue, 'Show or set how old the secrets of the organization''s API keys may get')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Revoke an API key: it works no longer')
            break
        }
        'wonder;key;create' {
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'A name, to know it again')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'What it may do; can be given several times [default: nodes:read]')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long it works [default: 90d]')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;key;list' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;key;rotate' {
            [CompletionResult]::new('--overlap', '--overlap', [CompletionResultType]::ParameterName, 'How long the old secret works on [default: 24h]')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;key;policy' {
            [CompletionResult]::new('--max-age', '--max-age', [CompletionResultType]::ParameterName, 'How old a secret may get: 1 to 366 days')
            [CompletionResult]::new('--warn-before', '--warn-before', [CompletionResultType]::ParameterName, 'How long before its end whoever uses it is warned [default: 14d]')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--none', '--none', [CompletionResultType]::ParameterName, 'Let them get as old as they are good')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wonder;key;revoke' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;key-ring' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the master keys by their names, and what is sealed with which')
            [CompletionResult]::new('rotate', 'rotate', [CompletionResultType]::ParameterValue, 'Make a new master key, and seal everything with it')
            [CompletionResult]::new('reset', 'reset', [CompletionResultType]::ParameterValue, 'Forget all that was sealed with a master key that is lost')
            break
        }
        'wonder;key-ring;list' {
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The coordinator''s data directory [default: /var/lib/wonder for root, else the user''s data directory]')
            [CompletionResult]::new('--database', '--database', [CompletionResultType]::ParameterName, 'The coordinator''s database, where it is not in the data directory')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;key-ring;rotate' {
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The coordinator''s data directory [default: /var/lib/wonder for root, else the user''s data directory]')
            [CompletionResult]::new('--database', '--database', [CompletionResultType]::ParameterName, 'The coordinator''s database, where it is not in the data directory')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--forget', '--forget', [CompletionResultType]::ParameterName, 'Forget the older keys: backups of the database from before are worth nothing then')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'wonder;key-ring;reset' {
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The coordinator''s data directory [default: /var/lib/wonder for root, else the user''s data directory]')
            [CompletionResult]::new('--database', '--database', [CompletionResultType]::ParameterName, 'The coordinator''s database, where it is not in the data directory')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;mail' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('set-password', 'set-password', [CompletionResultType]::ParameterValue, 'Keep the password, sealed with the master key, for a mail.username whose password is not in the settings')
            [CompletionResult]::new('forget-password', 'forget-password', [CompletionResultType]::ParameterValue, 'Forget the password that is kept')
            break
        }
        'wonder;mail;set-password' {
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The coordinator''s data directory [default: /var/lib/wonder for root, else the user''s data directory]')
            [CompletionResult]::new('--database', '--database', [CompletionResultType]::ParameterName, 'The coordinator''s database, where it is not in the data directory')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Read the password from stdin')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;mail;forget-password' {
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The coordinator''s data directory [default: /var/lib/wonder for root, else the user''s data directory]')
            [CompletionResult]::new('--database', '--database', [CompletionResultType]::ParameterName, 'The coordinator''s database, where it is not in the data directory')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;provider' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Add a provider')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the providers: those that were added, and those of the settings file')
            [CompletionResult]::new('edit', 'edit', [CompletionResultType]::ParameterValue, 'Change a provider: who people are there stays')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Remove a provider: log-ins that came from it end, accounts stay')
            break
        }
        'wonder;provider;add' {
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'Its issuer, as its discovery document says it')
            [CompletionResult]::new('--client-id', '--client-id', [CompletionResultType]::ParameterName, 'What it knows this coordinator as')
            [CompletionResult]::new('--title', '--title', [CompletionResultType]::ParameterName, 'What its button says [default: the name]')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'What is asked for beside openid [default: profile email]')
            [CompletionResult]::new('--bearer-audience', '--bearer-audience', [CompletionResultType]::ParameterName, 'The API takes its access tokens that were made for this audience or client')
            [CompletionResult]::new('--rule', '--rule', [CompletionResultType]::ParameterName, 'Whoever has VALUE in CLAIM is a member of an organization')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The coordinator''s data directory [default: /var/lib/wonder for root, else the user''s data directory]')
            [CompletionResult]::new('--database', '--database', [CompletionResultType]::ParameterName, 'The coordinator''s database, where it is not in the data directory')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--client-secret-stdin', '--client-secret-stdin', [CompletionResultType]::ParameterName, 'Read the client secret from stdin; without it this is a public client')
            [CompletionResult]::new('--create-accounts', '--create-accounts', [CompletionResultType]::ParameterName, 'Whoever logs in there and has no account here gets one')
            [CompletionResult]::new('--link-verified-email', '--link-verified-email', [CompletionResultType]::ParameterName, 'An e-mail address that it vouches for opens the account of that address')
            [CompletionResult]::new('--no-check', '--no-check', [CompletionResultType]::ParameterName, 'Keep it without asking it what it says of itself: it is not there yet, or not to be reached from here')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;provider;list' {
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The coordinator''s data directory [default: /var/lib/wonder for root, else the user''s data directory]')
            [CompletionResult]::new('--database', '--database', [CompletionResultType]::ParameterName, 'The coordinator''s database, where it is not in the data directory')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;provider;edit' {
            [CompletionResult]::new('--issuer', '--issuer', [CompletionResultType]::ParameterName, 'The issuer that it has: one with another issuer is another provider')
            [CompletionResult]::new('--client-id', '--client-id', [CompletionResultType]::ParameterName, 'What it knows this coordinator as')
            [CompletionResult]::new('--title', '--title', [CompletionResultType]::ParameterName, 'What its button says; empty: the name')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'What is asked for beside openid')
            [CompletionResult]::new('--create-accounts', '--create-accounts', [CompletionResultType]::ParameterName, 'Whoever logs in there and has no account here gets one, or not (=false)')
            [CompletionResult]::new('--link-verified-email', '--link-verified-email', [CompletionResultType]::ParameterName, 'An e-mail address that it vouches for opens the account of that address, or not (=false)')
            [CompletionResult]::new('--bearer-audience', '--bearer-audience', [CompletionResultType]::ParameterName, 'The API takes its access tokens that were made for this audience or client')
            [CompletionResult]::new('--rule', '--rule', [CompletionResultType]::ParameterName, 'Whoever has VALUE in CLAIM is a member of an organization')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The coordinator''s data directory [default: /var/lib/wonder for root, else the user''s data directory]')
            [CompletionResult]::new('--database', '--database', [CompletionResultType]::ParameterName, 'The coordinator''s database, where it is not in the data directory')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--client-secret-stdin', '--client-secret-stdin', [CompletionResultType]::ParameterName, 'Read the new client secret from stdin')
            [CompletionResult]::new('--no-client-secret', '--no-client-secret', [CompletionResultType]::ParameterName, 'It is a public client from now on')
            [CompletionResult]::new('--no-scopes', '--no-scopes', [CompletionResultType]::ParameterName, 'Nothing is asked for beside openid')
            [CompletionResult]::new('--no-bearer-audiences', '--no-bearer-audiences', [CompletionResultType]::ParameterName, 'The API takes none of its tokens')
            [CompletionResult]::new('--no-rules', '--no-rules', [CompletionResultType]::ParameterName, 'Nobody is a member by what it says')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;provider;remove' {
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The coordinator''s data directory [default: /var/lib/wonder for root, else the user''s data directory]')
            [CompletionResult]::new('--database', '--database', [CompletionResultType]::ParameterName, 'The coordinator''s database, where it is not in the data directory')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;identity' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List who you are at which provider')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Disconnect one: it logs you in no more, and log-ins that came by it end')
            break
        }
        'wonder;identity;list' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;identity;remove' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;org' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Make an organization to share; you are its owner')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the organizations that you are in')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show an organization')
            [CompletionResult]::new('rename', 'rename', [CompletionResultType]::ParameterValue, 'Give an organization another name; its domain stays')
            [CompletionResult]::new('delete', 'delete', [CompletionResultType]::ParameterValue, 'Delete an organization with everything that it has')
            [CompletionResult]::new('use', 'use', [CompletionResultType]::ParameterValue, 'Make an organization the current one of this profile')
            [CompletionResult]::new('invite', 'invite', [CompletionResultType]::ParameterValue, 'Invite somebody to the organization')
            [CompletionResult]::new('invitations', 'invitations', [CompletionResultType]::ParameterValue, 'List the invitations of the last month')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Revoke an invitation: nobody accepts it any more')
            [CompletionResult]::new('accept', 'accept', [CompletionResultType]::ParameterValue, 'Accept an invitation')
            [CompletionResult]::new('members', 'members', [CompletionResultType]::ParameterValue, 'List who is in the organization')
            [CompletionResult]::new('role', 'role', [CompletionResultType]::ParameterValue, 'Make a member an admin, or an admin a member')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Take somebody out of the organization: what they made for it ends')
            [CompletionResult]::new('transfer', 'transfer', [CompletionResultType]::ParameterValue, 'Make another member the owner; you are an admin then')
            [CompletionResult]::new('leave', 'leave', [CompletionResultType]::ParameterValue, 'Leave the organization: what you made for it ends')
            break
        }
        'wonder;org;create' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;org;list' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;org;show' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;org;rename' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;org;delete' {
            [CompletionResult]::new('--confirm', '--confirm', [CompletionResultType]::ParameterName, 'Its name, in place of being asked for it')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;org;use' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;org;invite' {
            [CompletionResult]::new('--role', '--role', [CompletionResultType]::ParameterName, 'What they will be')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long the invitation is good [default: 7d]')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--no-mail', '--no-mail', [CompletionResultType]::ParameterName, 'Do not mail the link to them')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;org;invitations' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;org;revoke' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;org;accept' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;org;members' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;org;role' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;org;remove' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--expire-devices', '--expire-devices', [CompletionResultType]::ParameterName, 'End the keys of their devices too')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;org;transfer' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;org;leave' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--expire-devices', '--expire-devices', [CompletionResultType]::ParameterName, 'End the keys of your devices there too')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;audit' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'How many of the newest [default: 50; 10 before those that --follow waits for; all of them with --since]')
            [CompletionResult]::new('--newest', '--newest', [CompletionResultType]::ParameterName, 'How many of the newest [default: 50; 10 before those that --follow waits for; all of them with --since]')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'How far back [default of --lines: 24h]')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Not what happened after so long ago')
            [CompletionResult]::new('--actor', '--actor', [CompletionResultType]::ParameterName, 'Only what this one did: a name, an e-mail address or an id')
            [CompletionResult]::new('--action', '--action', [CompletionResultType]::ParameterName, 'Only this action (`node.remove`), or all of a noun (`node`)')
            [CompletionResult]::new('--result', '--result', [CompletionResultType]::ParameterName, 'What was done alone, or what was refused alone')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--follow', '--follow', [CompletionResultType]::ParameterName, 'Go on, and print what happens from now on')
            [CompletionResult]::new('--lines', '--lines', [CompletionResultType]::ParameterName, 'Print one JSON object a line, however many there are')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All organizations and the coordinator itself: for its administrators')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Check that no event was changed, put in or taken out; on the coordinator''s host')
            break
        }
        'wonder;audit;verify' {
            [CompletionResult]::new('--known', '--known', [CompletionResultType]::ParameterName, 'The newest link of an earlier check, as it was printed: the trail must still hold it')
            [CompletionResult]::new('--data-dir', '--data-dir', [CompletionResultType]::ParameterName, 'The coordinator''s data directory [default: /var/lib/wonder for root, else the user''s data directory]')
            [CompletionResult]::new('--database', '--database', [CompletionResultType]::ParameterName, 'The coordinator''s database, where it is not in the data directory')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;app' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('register', 'register', [CompletionResultType]::ParameterValue, 'Register an app')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the apps of the organization')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show an app')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Revoke an app: what anybody allowed it is over')
            break
        }
        'wonder;app;register' {
            [CompletionResult]::new('--redirect', '--redirect', [CompletionResultType]::ParameterName, 'Where browsers may be sent back to; can be given several times')
            [CompletionResult]::new('--post-logout-redirect', '--post-logout-redirect', [CompletionResultType]::ParameterName, 'Where browsers may be led after a log-out; can be given several times')
            [CompletionResult]::new('--scope', '--scope', [CompletionResultType]::ParameterName, 'The most that it may ask for; can be given several times [default: all]')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--public', '--public', [CompletionResultType]::ParameterName, 'It can keep no secret: a program on a phone or a desktop')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;app;list' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;app;show' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;app;revoke' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;grant' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List what you allowed apps')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Revoke what was allowed an app: it is over at once')
            break
        }
        'wonder;grant;list' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'What anybody allowed in the organization, which its admins may see')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;grant;revoke' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Somebody else''s in the organization, which its admins may revoke')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;deployer' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('join', 'join', [CompletionResultType]::ParameterValue, 'Bring this machine into the network that an API key or access token is for, tagged as deployer')
            break
        }
        'wonder;deployer;join' {
            [CompletionResult]::new('--hostname', '--hostname', [CompletionResultType]::ParameterName, 'The name to ask for [default: this system''s own]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait until it is connected')
            [CompletionResult]::new('--socket', '--socket', [CompletionResultType]::ParameterName, 'Where tailscaled listens [default: where this system has it]')
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Replace a log-in to another network')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;completions' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;man' {
            [CompletionResult]::new('--coordinator', '--coordinator', [CompletionResultType]::ParameterName, 'The coordinator to talk to, in place of the profile''s')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'The log-in to use, by the name of its profile')
            [CompletionResult]::new('--org', '--org', [CompletionResultType]::ParameterName, 'The organization to act on, in place of the profile''s')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust these certificates (PEM) in place of the system''s')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Answer with one JSON document')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print data and errors only')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say on stderr what is done, as a log')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer every question with yes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'wonder;help' {
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Run the coordinator')
            [CompletionResult]::new('user', 'user', [CompletionResultType]::ParameterValue, 'Accounts, on the coordinator''s own host')
            [CompletionResult]::new('login', 'login', [CompletionResultType]::ParameterValue, 'Log in to a coordinator')
            [CompletionResult]::new('logout', 'logout', [CompletionResultType]::ParameterValue, 'Log out: the log-in ends at the coordinator, and its profile goes')
            [CompletionResult]::new('whoami', 'whoami', [CompletionResultType]::ParameterValue, 'Show who is logged in, where')
            [CompletionResult]::new('token', 'token', [CompletionResultType]::ParameterValue, 'Join tokens: what a device joins with')
            [CompletionResult]::new('worker', 'worker', [CompletionResultType]::ParameterValue, 'This device')
            [CompletionResult]::new('node', 'node', [CompletionResultType]::ParameterValue, 'The devices of an organization')
            [CompletionResult]::new('key', 'key', [CompletionResultType]::ParameterValue, 'API keys: what a program logs in with')
            [CompletionResult]::new('key-ring', 'key-ring', [CompletionResultType]::ParameterValue, 'The master keys that seal what the coordinator must read back, on its own host')
            [CompletionResult]::new('mail', 'mail', [CompletionResultType]::ParameterValue, 'The password of the mail server, on the coordinator''s own host')
            [CompletionResult]::new('provider', 'provider', [CompletionResultType]::ParameterValue, 'OpenID Connect providers that people log in with, on the coordinator''s own host')
            [CompletionResult]::new('identity', 'identity', [CompletionResultType]::ParameterValue, 'The providers that log you in, and who you are there')
            [CompletionResult]::new('org', 'org', [CompletionResultType]::ParameterValue, 'Organizations: people who share one mesh')
            [CompletionResult]::new('audit', 'audit', [CompletionResultType]::ParameterValue, 'Who did what, and what was refused')
            [CompletionResult]::new('app', 'app', [CompletionResultType]::ParameterValue, 'Apps of third parties, which people let in with one click (OAuth 2.0)')
            [CompletionResult]::new('grant', 'grant', [CompletionResultType]::ParameterValue, 'What you, or an organization''s people, allowed apps')
            [CompletionResult]::new('deployer', 'deployer', [CompletionResultType]::ParameterValue, 'A platform''s own machine, through which it reaches the workers')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print what makes a shell complete the commands of wonder')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual page, or write every page into a directory')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'wonder;help;serve' {
            break
        }
        'wonder;help;user' {
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Make an account; the first one is an administrator')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the accounts')
            [CompletionResult]::new('disable', 'disable', [CompletionResultType]::ParameterValue, 'Lock an account: its log-ins end, its devices stay')
            [CompletionResult]::new('enable', 'enable', [CompletionResultType]::ParameterValue, 'Unlock an account')
            [CompletionResult]::new('reset-password', 'reset-password', [CompletionResultType]::ParameterValue, 'Give an account a new password; its log-ins end')
            break
        }
        'wonder;help;user;create' {
            break
        }
        'wonder;help;user;list' {
            break
        }
        'wonder;help;user;disable' {
            break
        }
        'wonder;help;user;enable' {
            break
        }
        'wonder;help;user;reset-password' {
            break
        }
        'wonder;help;login' {
            break
        }
        'wonder;help;logout' {
            break
        }
        'wonder;help;whoami' {
            break
        }
        'wonder;help;token' {
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Make a join token')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the join tokens')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Revoke a join token: no further device joins with it, those that have stay')
            break
        }
        'wonder;help;token;create' {
            break
        }
        'wonder;help;token;list' {
            break
        }
        'wonder;help;token;revoke' {
            break
        }
        'wonder;help;worker' {
            [CompletionResult]::new('join', 'join', [CompletionResultType]::ParameterValue, 'Bring this device into the network that a join token is for')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show how this device stands')
            [CompletionResult]::new('leave', 'leave', [CompletionResultType]::ParameterValue, 'Take this device out of its network')
            break
        }
        'wonder;help;worker;join' {
            break
        }
        'wonder;help;worker;status' {
            break
        }
        'wonder;help;worker;leave' {
            break
        }
        'wonder;help;node' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the nodes')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show everything about a node')
            [CompletionResult]::new('rename', 'rename', [CompletionResultType]::ParameterValue, 'Give a node another name')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Remove a node: it is cut off at once, and has to join again')
            [CompletionResult]::new('expire', 'expire', [CompletionResultType]::ParameterValue, 'End a node''s key: the device has to log in again')
            [CompletionResult]::new('approve', 'approve', [CompletionResultType]::ParameterValue, 'Let a device in that waits for approval')
            [CompletionResult]::new('approve-routes', 'approve-routes', [CompletionResultType]::ParameterValue, 'Say which subnets are reached through a node: exactly those named')
            break
        }
        'wonder;help;node;list' {
            break
        }
        'wonder;help;node;show' {
            break
        }
        'wonder;help;node;rename' {
            break
        }
        'wonder;help;node;remove' {
            break
        }
        'wonder;help;node;expire' {
            break
        }
        'wonder;help;node;approve' {
            break
        }
        'wonder;help;node;approve-routes' {
            break
        }
        'wonder;help;key' {
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Make an API key')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the API keys')
            [CompletionResult]::new('rotate', 'rotate', [CompletionResultType]::ParameterValue, 'Give an API key a new secret; the old one works on for a while')
            [CompletionResult]::new('policy', 'policy', [CompletionResultType]::ParameterValue, 'Show or set how old the secrets of the organization''s API keys may get')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Revoke an API key: it works no longer')
            break
        }
        'wonder;help;key;create' {
            break
        }
        'wonder;help;key;list' {
            break
        }
        'wonder;help;key;rotate' {
            break
        }
        'wonder;help;key;policy' {
            break
        }
        'wonder;help;key;revoke' {
            break
        }
        'wonder;help;key-ring' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the master keys by their names, and what is sealed with which')
            [CompletionResult]::new('rotate', 'rotate', [CompletionResultType]::ParameterValue, 'Make a new master key, and seal everything with it')
            [CompletionResult]::new('reset', 'reset', [CompletionResultType]::ParameterValue, 'Forget all that was sealed with a master key that is lost')
            break
        }
        'wonder;help;key-ring;list' {
            break
        }
        'wonder;help;key-ring;rotate' {
            break
        }
        'wonder;help;key-ring;reset' {
            break
        }
        'wonder;help;mail' {
            [CompletionResult]::new('set-password', 'set-password', [CompletionResultType]::ParameterValue, 'Keep the password, sealed with the master key, for a mail.username whose password is not in the settings')
            [CompletionResult]::new('forget-password', 'forget-password', [CompletionResultType]::ParameterValue, 'Forget the password that is kept')
            break
        }
        'wonder;help;mail;set-password' {
            break
        }
        'wonder;help;mail;forget-password' {
            break
        }
        'wonder;help;provider' {
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Add a provider')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the providers: those that were added, and those of the settings file')
            [CompletionResult]::new('edit', 'edit', [CompletionResultType]::ParameterValue, 'Change a provider: who people are there stays')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Remove a provider: log-ins that came from it end, accounts stay')
            break
        }
        'wonder;help;provider;add' {
            break
        }
        'wonder;help;provider;list' {
            break
        }
        'wonder;help;provider;edit' {
            break
        }
        'wonder;help;provider;remove' {
            break
        }
        'wonder;help;identity' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List who you are at which provider')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Disconnect one: it logs you in no more, and log-ins that came by it end')
            break
        }
        'wonder;help;identity;list' {
            break
        }
        'wonder;help;identity;remove' {
            break
        }
        'wonder;help;org' {
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Make an organization to share; you are its owner')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the organizations that you are in')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show an organization')
            [CompletionResult]::new('rename', 'rename', [CompletionResultType]::ParameterValue, 'Give an organization another name; its domain stays')
            [CompletionResult]::new('delete', 'delete', [CompletionResultType]::ParameterValue, 'Delete an organization with everything that it has')
            [CompletionResult]::new('use', 'use', [CompletionResultType]::ParameterValue, 'Make an organization the current one of this profile')
            [CompletionResult]::new('invite', 'invite', [CompletionResultType]::ParameterValue, 'Invite somebody to the organization')
            [CompletionResult]::new('invitations', 'invitations', [CompletionResultType]::ParameterValue, 'List the invitations of the last month')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Revoke an invitation: nobody accepts it any more')
            [CompletionResult]::new('accept', 'accept', [CompletionResultType]::ParameterValue, 'Accept an invitation')
            [CompletionResult]::new('members', 'members', [CompletionResultType]::ParameterValue, 'List who is in the organization')
            [CompletionResult]::new('role', 'role', [CompletionResultType]::ParameterValue, 'Make a member an admin, or an admin a member')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Take somebody out of the organization: what they made for it ends')
            [CompletionResult]::new('transfer', 'transfer', [CompletionResultType]::ParameterValue, 'Make another member the owner; you are an admin then')
            [CompletionResult]::new('leave', 'leave', [CompletionResultType]::ParameterValue, 'Leave the organization: what you made for it ends')
            break
        }
        'wonder;help;org;create' {
            break
        }
        'wonder;help;org;list' {
            break
        }
        'wonder;help;org;show' {
            break
        }
        'wonder;help;org;rename' {
            break
        }
        'wonder;help;org;delete' {
            break
        }
        'wonder;help;org;use' {
            break
        }
        'wonder;help;org;invite' {
            break
        }
        'wonder;help;org;invitations' {
            break
        }
        'wonder;help;org;revoke' {
            break
        }
        'wonder;help;org;accept' {
            break
        }
        'wonder;help;org;members' {
            break
        }
        'wonder;help;org;role' {
            break
        }
        'wonder;help;org;remove' {
            break
        }
        'wonder;help;org;transfer' {
            break
        }
        'wonder;help;org;leave' {
            break
        }
        'wonder;help;audit' {
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Check that no event was changed, put in or taken out; on the coordinator''s host')
            break
        }
        'wonder;help;audit;verify' {
            break
        }
        'wonder;help;app' {
            [CompletionResult]::new('register', 'register', [CompletionResultType]::ParameterValue, 'Register an app')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the apps of the organization')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show an app')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Revoke an app: what anybody allowed it is over')
            break
        }
        'wonder;help;app;register' {
            break
        }
        'wonder;help;app;list' {
            break
        }
        'wonder;help;app;show' {
            break
        }
        'wonder;help;app;revoke' {
            break
        }
        'wonder;help;grant' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List what you allowed apps')
            [CompletionResult]::new('revoke', 'revoke', [CompletionResultType]::ParameterValue, 'Revoke what was allowed an app: it is over at once')
            break
        }
        'wonder;help;grant;list' {
            break
        }
        'wonder;help;grant;revoke' {
            break
        }
        'wonder;help;deployer' {
            [CompletionResult]::new('join', 'join', [CompletionResultType]::ParameterValue, 'Bring this machine into the network that an API key or access token is for, tagged as deployer')
            break
        }
        'wonder;help;deployer;join' {
            break
        }
        'wonder;help;completions' {
            break
        }
        'wonder;help;man' {
            break
        }
        'wonder;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
