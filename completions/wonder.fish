# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_wonder_global_optspecs
    string join \n json q/quiet v/verbose yes coordinator= profile= org= ca-file= h/help V/version
end

function __fish_wonder_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_wonder_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_wonder_using_subcommand
    set -l cmd (__fish_wonder_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c wonder -n "__fish_wonder_needs_command" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_needs_command" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_needs_command" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_needs_command" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_needs_command" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_needs_command" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_needs_command" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_needs_command" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_needs_command" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_needs_command" -s V -l version -d 'Print version'
complete -c wonder -n "__fish_wonder_needs_command" -f -a "serve" -d 'Run the coordinator'
complete -c wonder -n "__fish_wonder_needs_command" -f -a "user" -d 'Accounts, on the coordinator\'s own host'
complete -c wonder -n "__fish_wonder_needs_command" -f -a "login" -d 'Log in to a coordinator'
complete -c wonder -n "__fish_wonder_needs_command" -f -a "logout" -d 'Log out: the log-in ends at the coordinator, and its profile goes'
complete -c wonder -n "__fish_wonder_needs_command" -f -a "whoami" -d 'Show who is logged in, where'
complete -c wonder -n "__fish_wonder_needs_command" -f -a "token" -d 'Join tokens: what a device joins with'
complete -c wonder -n "__fish_wonder_needs_command" -f -a "worker" -d 'This device'
complete -c wonder -n "__fish_wonder_needs_command" -f -a "node" -d 'The devices of an organization'
complete -c wonder -n "__fish_wonder_needs_command" -f -a "key" -d 'API keys: what a program logs in with'
complete -c wonder -n "__fish_wonder_needs_command" -f -a "key-ring" -d 'The master keys that seal what the coordinator must read back, on its own host'
complete -c wonder -n "__fish_wonder_needs_command" -f -a "mail" -d 'The password of the mail server, on the coordinator\'s own host'
complete -c wonder -n "__fish_wonder_needs_command" -f -a "provider" -d 'OpenID Connect providers that people log in with, on the coordinator\'s own host'
complete -c wonder -n "__fish_wonder_needs_command" -f -a "identity" -d 'The providers that log you in, and who you are there'
complete -c wonder -n "__fish_wonder_needs_command" -f -a "org" -d 'Organizations: people who share one mesh'
complete -c wonder -n "__fish_wonder_needs_command" -f -a "audit" -d 'Who did what, and what was refused'
complete -c wonder -n "__fish_wonder_needs_command" -f -a "app" -d 'Apps of third parties, which people let in with one click (OAuth 2.0)'
complete -c wonder -n "__fish_wonder_needs_command" -f -a "grant" -d 'What you, or an organization\'s people, allowed apps'
complete -c wonder -n "__fish_wonder_needs_command" -f -a "deployer" -d 'A platform\'s own machine, through which it reaches the workers'
complete -c wonder -n "__fish_wonder_needs_command" -f -a "completions" -d 'Print what makes a shell complete the commands of wonder'
complete -c wonder -n "__fish_wonder_needs_command" -f -a "man" -d 'Print the manual page, or write every page into a directory'
complete -c wonder -n "__fish_wonder_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c wonder -n "__fish_wonder_using_subcommand serve" -l listen -d 'Where to listen; port 0 takes a free one [default: [::]:8080]' -r
complete -c wonder -n "__fish_wonder_using_subcommand serve" -l url -d 'The URL that devices reach this coordinator by [default: the address it listens on]' -r
complete -c wonder -n "__fish_wonder_using_subcommand serve" -l data-dir -d 'Where the coordinator keeps what it must not lose [default: /var/lib/wonder for root]' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand serve" -l database -d '`sqlite:PATH` or `postgres://USER:PASSWORD@HOST/NAME` [default: SQLite in the data directory]' -r
complete -c wonder -n "__fish_wonder_using_subcommand serve" -l tls-cert -d 'The certificate chain of the coordinator, in PEM; read again on SIGHUP' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand serve" -l tls-key -d 'The private key of that certificate, in PEM' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand serve" -l derp-listen -d 'Where the relay listens [default: the coordinator\'s own port where that has TLS, else port 8443]' -r
complete -c wonder -n "__fish_wonder_using_subcommand serve" -l stun-listen -d 'Where STUN listens, on UDP [default: port 3478]' -r
complete -c wonder -n "__fish_wonder_using_subcommand serve" -l ephemeral-grace -d 'How long an ephemeral node stays after its last disconnect [default: 2m]' -r
complete -c wonder -n "__fish_wonder_using_subcommand serve" -l audit-retention -d 'How long the audit trail is kept, or `for-ever` [default: 400d]' -r
complete -c wonder -n "__fish_wonder_using_subcommand serve" -l metrics-listen -d 'Where Prometheus finds `/metrics`; a port alone means 127.0.0.1 [default: nowhere]' -r
complete -c wonder -n "__fish_wonder_using_subcommand serve" -l trusted-proxies -d 'Proxies that are believed about whom they call for: networks, with commas' -r
complete -c wonder -n "__fish_wonder_using_subcommand serve" -l config -d 'A TOML file with these settings and more (DNS, extra relays, limits)' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand serve" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand serve" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand serve" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand serve" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand serve" -l no-derp -d 'Run neither relay nor STUN'
complete -c wonder -n "__fish_wonder_using_subcommand serve" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand serve" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand serve" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand serve" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wonder -n "__fish_wonder_using_subcommand user; and not __fish_seen_subcommand_from create list disable enable reset-password" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and not __fish_seen_subcommand_from create list disable enable reset-password" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and not __fish_seen_subcommand_from create list disable enable reset-password" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and not __fish_seen_subcommand_from create list disable enable reset-password" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand user; and not __fish_seen_subcommand_from create list disable enable reset-password" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand user; and not __fish_seen_subcommand_from create list disable enable reset-password" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand user; and not __fish_seen_subcommand_from create list disable enable reset-password" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand user; and not __fish_seen_subcommand_from create list disable enable reset-password" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand user; and not __fish_seen_subcommand_from create list disable enable reset-password" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wonder -n "__fish_wonder_using_subcommand user; and not __fish_seen_subcommand_from create list disable enable reset-password" -f -a "create" -d 'Make an account; the first one is an administrator'
complete -c wonder -n "__fish_wonder_using_subcommand user; and not __fish_seen_subcommand_from create list disable enable reset-password" -f -a "list" -d 'List the accounts'
complete -c wonder -n "__fish_wonder_using_subcommand user; and not __fish_seen_subcommand_from create list disable enable reset-password" -f -a "disable" -d 'Lock an account: its log-ins end, its devices stay'
complete -c wonder -n "__fish_wonder_using_subcommand user; and not __fish_seen_subcommand_from create list disable enable reset-password" -f -a "enable" -d 'Unlock an account'
complete -c wonder -n "__fish_wonder_using_subcommand user; and not __fish_seen_subcommand_from create list disable enable reset-password" -f -a "reset-password" -d 'Give an account a new password; its log-ins end'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from create" -l data-dir -d 'The coordinator\'s data directory [default: /var/lib/wonder for root, else the user\'s data directory]' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from create" -l database -d 'The coordinator\'s database, where it is not in the data directory' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from create" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from create" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from create" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from create" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from create" -l password-stdin -d 'Read the password from stdin'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from create" -l admin -d 'An administrator of the coordinator'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from create" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from create" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from create" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from list" -l data-dir -d 'The coordinator\'s data directory [default: /var/lib/wonder for root, else the user\'s data directory]' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from list" -l database -d 'The coordinator\'s database, where it is not in the data directory' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from list" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from list" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from list" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from list" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from list" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from list" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from disable" -l data-dir -d 'The coordinator\'s data directory [default: /var/lib/wonder for root, else the user\'s data directory]' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from disable" -l database -d 'The coordinator\'s database, where it is not in the data directory' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from disable" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from disable" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from disable" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from disable" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from disable" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from disable" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from disable" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from disable" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from disable" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from enable" -l data-dir -d 'The coordinator\'s data directory [default: /var/lib/wonder for root, else the user\'s data directory]' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from enable" -l database -d 'The coordinator\'s database, where it is not in the data directory' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from enable" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from enable" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from enable" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from enable" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from enable" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from enable" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from enable" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from enable" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from enable" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from reset-password" -l data-dir -d 'The coordinator\'s data directory [default: /var/lib/wonder for root, else the user\'s data directory]' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from reset-password" -l database -d 'The coordinator\'s database, where it is not in the data directory' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from reset-password" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from reset-password" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from reset-password" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from reset-password" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from reset-password" -l password-stdin -d 'Read the password from stdin'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from reset-password" -l reset-factors -d 'Take off its second factors and passkeys as well, for somebody who has lost them'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from reset-password" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from reset-password" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from reset-password" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from reset-password" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand user; and __fish_seen_subcommand_from reset-password" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand login" -l email -d 'The e-mail address of the account' -r
complete -c wonder -n "__fish_wonder_using_subcommand login" -l setup-code -d 'Make the first account with the one-time code that the first start printed ("-": from stdin)' -r
complete -c wonder -n "__fish_wonder_using_subcommand login" -l code -d 'A code of the account\'s authenticator app, or a recovery code, where it has a second factor' -r
complete -c wonder -n "__fish_wonder_using_subcommand login" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand login" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand login" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand login" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand login" -l password-stdin -d 'Read the password from stdin'
complete -c wonder -n "__fish_wonder_using_subcommand login" -l device -d 'Log in with a code that is entered in a browser, on this or another machine'
complete -c wonder -n "__fish_wonder_using_subcommand login" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand login" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand login" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand login" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand login" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand logout" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand logout" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand logout" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand logout" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand logout" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand logout" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand logout" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand logout" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand logout" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand whoami" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand whoami" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand whoami" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand whoami" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand whoami" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand whoami" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand whoami" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand whoami" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand whoami" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand token; and not __fish_seen_subcommand_from create list revoke" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand token; and not __fish_seen_subcommand_from create list revoke" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand token; and not __fish_seen_subcommand_from create list revoke" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand token; and not __fish_seen_subcommand_from create list revoke" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand token; and not __fish_seen_subcommand_from create list revoke" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand token; and not __fish_seen_subcommand_from create list revoke" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand token; and not __fish_seen_subcommand_from create list revoke" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand token; and not __fish_seen_subcommand_from create list revoke" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand token; and not __fish_seen_subcommand_from create list revoke" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand token; and not __fish_seen_subcommand_from create list revoke" -f -a "create" -d 'Make a join token'
complete -c wonder -n "__fish_wonder_using_subcommand token; and not __fish_seen_subcommand_from create list revoke" -f -a "list" -d 'List the join tokens'
complete -c wonder -n "__fish_wonder_using_subcommand token; and not __fish_seen_subcommand_from create list revoke" -f -a "revoke" -d 'Revoke a join token: no further device joins with it, those that have stay'
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from create" -l ttl -d 'How long it can be used [default: 8h]' -r
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from create" -l uses -d 'For how many devices [default: 1]' -r
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from create" -l tag -d 'A tag for its devices; can be given several times' -r
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from create" -l name -d 'A name, to know it again' -r
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from create" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from create" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from create" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from create" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from create" -l reusable -d 'For any number of devices, until it expires'
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from create" -l ephemeral -d 'Its devices are removed soon after they go offline'
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from create" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from create" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from create" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from list" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from list" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from list" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from list" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from list" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from list" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from revoke" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from revoke" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from revoke" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from revoke" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from revoke" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from revoke" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from revoke" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from revoke" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand token; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and not __fish_seen_subcommand_from join status leave" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand worker; and not __fish_seen_subcommand_from join status leave" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand worker; and not __fish_seen_subcommand_from join status leave" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand worker; and not __fish_seen_subcommand_from join status leave" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand worker; and not __fish_seen_subcommand_from join status leave" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and not __fish_seen_subcommand_from join status leave" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and not __fish_seen_subcommand_from join status leave" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and not __fish_seen_subcommand_from join status leave" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and not __fish_seen_subcommand_from join status leave" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and not __fish_seen_subcommand_from join status leave" -f -a "join" -d 'Bring this device into the network that a join token is for'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and not __fish_seen_subcommand_from join status leave" -f -a "status" -d 'Show how this device stands'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and not __fish_seen_subcommand_from join status leave" -f -a "leave" -d 'Take this device out of its network'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from join" -l hostname -d 'The name to ask for [default: this system\'s own]' -r
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from join" -l timeout -d 'How long to wait until it is connected' -r
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from join" -l socket -d 'Where tailscaled listens [default: where this system has it]' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from join" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from join" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from join" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from join" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from join" -l force -d 'Replace a log-in to another network'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from join" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from join" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from join" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from join" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from join" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from status" -l socket -d 'Where tailscaled listens [default: where this system has it]' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from status" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from status" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from status" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from status" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from status" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from status" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from leave" -l socket -d 'Where tailscaled listens [default: where this system has it]' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from leave" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from leave" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from leave" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from leave" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from leave" -l force -d 'Leave even where tailscaled is logged in to another network'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from leave" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from leave" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from leave" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from leave" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand worker; and __fish_seen_subcommand_from leave" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wonder -n "__fish_wonder_using_subcommand node; and not __fish_seen_subcommand_from list show rename remove expire approve approve-routes" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and not __fish_seen_subcommand_from list show rename remove expire approve approve-routes" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and not __fish_seen_subcommand_from list show rename remove expire approve approve-routes" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and not __fish_seen_subcommand_from list show rename remove expire approve approve-routes" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand node; and not __fish_seen_subcommand_from list show rename remove expire approve approve-routes" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand node; and not __fish_seen_subcommand_from list show rename remove expire approve approve-routes" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand node; and not __fish_seen_subcommand_from list show rename remove expire approve approve-routes" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand node; and not __fish_seen_subcommand_from list show rename remove expire approve approve-routes" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand node; and not __fish_seen_subcommand_from list show rename remove expire approve approve-routes" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand node; and not __fish_seen_subcommand_from list show rename remove expire approve approve-routes" -f -a "list" -d 'List the nodes'
complete -c wonder -n "__fish_wonder_using_subcommand node; and not __fish_seen_subcommand_from list show rename remove expire approve approve-routes" -f -a "show" -d 'Show everything about a node'
complete -c wonder -n "__fish_wonder_using_subcommand node; and not __fish_seen_subcommand_from list show rename remove expire approve approve-routes" -f -a "rename" -d 'Give a node another name'
complete -c wonder -n "__fish_wonder_using_subcommand node; and not __fish_seen_subcommand_from list show rename remove expire approve approve-routes" -f -a "remove" -d 'Remove a node: it is cut off at once, and has to join again'
complete -c wonder -n "__fish_wonder_using_subcommand node; and not __fish_seen_subcommand_from list show rename remove expire approve approve-routes" -f -a "expire" -d 'End a node\'s key: the device has to log in again'
complete -c wonder -n "__fish_wonder_using_subcommand node; and not __fish_seen_subcommand_from list show rename remove expire approve approve-routes" -f -a "approve" -d 'Let a device in that waits for approval'
complete -c wonder -n "__fish_wonder_using_subcommand node; and not __fish_seen_subcommand_from list show rename remove expire approve approve-routes" -f -a "approve-routes" -d 'Say which subnets are reached through a node: exactly those named'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from list" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from list" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from list" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from list" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from list" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from list" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from show" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from show" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from show" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from show" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from show" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from show" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from rename" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from rename" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from rename" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from rename" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from rename" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from rename" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from rename" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from rename" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from rename" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from remove" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from remove" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from remove" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from remove" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from remove" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from remove" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from expire" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from expire" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from expire" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from expire" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from expire" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from expire" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from expire" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from expire" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from expire" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from approve" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from approve" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from approve" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from approve" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from approve" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from approve" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from approve" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from approve" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from approve" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from approve-routes" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from approve-routes" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from approve-routes" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from approve-routes" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from approve-routes" -l all -d 'Everything that it offers'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from approve-routes" -l none -d 'Nothing'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from approve-routes" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from approve-routes" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from approve-routes" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from approve-routes" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand node; and __fish_seen_subcommand_from approve-routes" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand key; and not __fish_seen_subcommand_from create list rotate policy revoke" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and not __fish_seen_subcommand_from create list rotate policy revoke" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and not __fish_seen_subcommand_from create list rotate policy revoke" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and not __fish_seen_subcommand_from create list rotate policy revoke" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand key; and not __fish_seen_subcommand_from create list rotate policy revoke" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand key; and not __fish_seen_subcommand_from create list rotate policy revoke" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand key; and not __fish_seen_subcommand_from create list rotate policy revoke" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand key; and not __fish_seen_subcommand_from create list rotate policy revoke" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand key; and not __fish_seen_subcommand_from create list rotate policy revoke" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand key; and not __fish_seen_subcommand_from create list rotate policy revoke" -f -a "create" -d 'Make an API key'
complete -c wonder -n "__fish_wonder_using_subcommand key; and not __fish_seen_subcommand_from create list rotate policy revoke" -f -a "list" -d 'List the API keys'
complete -c wonder -n "__fish_wonder_using_subcommand key; and not __fish_seen_subcommand_from create list rotate policy revoke" -f -a "rotate" -d 'Give an API key a new secret; the old one works on for a while'
complete -c wonder -n "__fish_wonder_using_subcommand key; and not __fish_seen_subcommand_from create list rotate policy revoke" -f -a "policy" -d 'Show or set how old the secrets of the organization\'s API keys may get'
complete -c wonder -n "__fish_wonder_using_subcommand key; and not __fish_seen_subcommand_from create list rotate policy revoke" -f -a "revoke" -d 'Revoke an API key: it works no longer'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from create" -l name -d 'A name, to know it again' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from create" -l scope -d 'What it may do; can be given several times [default: nodes:read]' -r -f -a "nodes:read\t''
nodes:write\t''
keys:read\t''
keys:write\t''
profile:read\t''"
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from create" -l ttl -d 'How long it works [default: 90d]' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from create" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from create" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from create" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from create" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from create" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from create" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from create" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from list" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from list" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from list" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from list" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from list" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from list" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from rotate" -l overlap -d 'How long the old secret works on [default: 24h]' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from rotate" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from rotate" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from rotate" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from rotate" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from rotate" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from rotate" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from rotate" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from rotate" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from rotate" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from policy" -l max-age -d 'How old a secret may get: 1 to 366 days' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from policy" -l warn-before -d 'How long before its end whoever uses it is warned [default: 14d]' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from policy" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from policy" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from policy" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from policy" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from policy" -l none -d 'Let them get as old as they are good'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from policy" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from policy" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from policy" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from policy" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from policy" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from revoke" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from revoke" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from revoke" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from revoke" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from revoke" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from revoke" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from revoke" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from revoke" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand key; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and not __fish_seen_subcommand_from list rotate reset" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and not __fish_seen_subcommand_from list rotate reset" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and not __fish_seen_subcommand_from list rotate reset" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and not __fish_seen_subcommand_from list rotate reset" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and not __fish_seen_subcommand_from list rotate reset" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and not __fish_seen_subcommand_from list rotate reset" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and not __fish_seen_subcommand_from list rotate reset" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and not __fish_seen_subcommand_from list rotate reset" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and not __fish_seen_subcommand_from list rotate reset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and not __fish_seen_subcommand_from list rotate reset" -f -a "list" -d 'List the master keys by their names, and what is sealed with which'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and not __fish_seen_subcommand_from list rotate reset" -f -a "rotate" -d 'Make a new master key, and seal everything with it'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and not __fish_seen_subcommand_from list rotate reset" -f -a "reset" -d 'Forget all that was sealed with a master key that is lost'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from list" -l data-dir -d 'The coordinator\'s data directory [default: /var/lib/wonder for root, else the user\'s data directory]' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from list" -l database -d 'The coordinator\'s database, where it is not in the data directory' -r
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from list" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from list" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from list" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from list" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from list" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from list" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from rotate" -l data-dir -d 'The coordinator\'s data directory [default: /var/lib/wonder for root, else the user\'s data directory]' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from rotate" -l database -d 'The coordinator\'s database, where it is not in the data directory' -r
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from rotate" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from rotate" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from rotate" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from rotate" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from rotate" -l forget -d 'Forget the older keys: backups of the database from before are worth nothing then'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from rotate" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from rotate" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from rotate" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from rotate" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from rotate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from reset" -l data-dir -d 'The coordinator\'s data directory [default: /var/lib/wonder for root, else the user\'s data directory]' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from reset" -l database -d 'The coordinator\'s database, where it is not in the data directory' -r
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from reset" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from reset" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from reset" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from reset" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from reset" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from reset" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from reset" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from reset" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand key-ring; and __fish_seen_subcommand_from reset" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand mail; and not __fish_seen_subcommand_from set-password forget-password" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand mail; and not __fish_seen_subcommand_from set-password forget-password" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand mail; and not __fish_seen_subcommand_from set-password forget-password" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand mail; and not __fish_seen_subcommand_from set-password forget-password" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand mail; and not __fish_seen_subcommand_from set-password forget-password" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand mail; and not __fish_seen_subcommand_from set-password forget-password" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand mail; and not __fish_seen_subcommand_from set-password forget-password" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand mail; and not __fish_seen_subcommand_from set-password forget-password" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand mail; and not __fish_seen_subcommand_from set-password forget-password" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wonder -n "__fish_wonder_using_subcommand mail; and not __fish_seen_subcommand_from set-password forget-password" -f -a "set-password" -d 'Keep the password, sealed with the master key, for a mail.username whose password is not in the settings'
complete -c wonder -n "__fish_wonder_using_subcommand mail; and not __fish_seen_subcommand_from set-password forget-password" -f -a "forget-password" -d 'Forget the password that is kept'
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from set-password" -l data-dir -d 'The coordinator\'s data directory [default: /var/lib/wonder for root, else the user\'s data directory]' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from set-password" -l database -d 'The coordinator\'s database, where it is not in the data directory' -r
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from set-password" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from set-password" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from set-password" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from set-password" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from set-password" -l password-stdin -d 'Read the password from stdin'
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from set-password" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from set-password" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from set-password" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from set-password" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from set-password" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from forget-password" -l data-dir -d 'The coordinator\'s data directory [default: /var/lib/wonder for root, else the user\'s data directory]' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from forget-password" -l database -d 'The coordinator\'s database, where it is not in the data directory' -r
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from forget-password" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from forget-password" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from forget-password" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from forget-password" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from forget-password" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from forget-password" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from forget-password" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from forget-password" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand mail; and __fish_seen_subcommand_from forget-password" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and not __fish_seen_subcommand_from add list edit remove" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and not __fish_seen_subcommand_from add list edit remove" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and not __fish_seen_subcommand_from add list edit remove" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and not __fish_seen_subcommand_from add list edit remove" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand provider; and not __fish_seen_subcommand_from add list edit remove" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and not __fish_seen_subcommand_from add list edit remove" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and not __fish_seen_subcommand_from add list edit remove" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and not __fish_seen_subcommand_from add list edit remove" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and not __fish_seen_subcommand_from add list edit remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and not __fish_seen_subcommand_from add list edit remove" -f -a "add" -d 'Add a provider'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and not __fish_seen_subcommand_from add list edit remove" -f -a "list" -d 'List the providers: those that were added, and those of the settings file'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and not __fish_seen_subcommand_from add list edit remove" -f -a "edit" -d 'Change a provider: who people are there stays'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and not __fish_seen_subcommand_from add list edit remove" -f -a "remove" -d 'Remove a provider: log-ins that came from it end, accounts stay'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from add" -l issuer -d 'Its issuer, as its discovery document says it' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from add" -l client-id -d 'What it knows this coordinator as' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from add" -l title -d 'What its button says [default: the name]' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from add" -l scope -d 'What is asked for beside openid [default: profile email]' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from add" -l bearer-audience -d 'The API takes its access tokens that were made for this audience or client' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from add" -l rule -d 'Whoever has VALUE in CLAIM is a member of an organization' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from add" -l data-dir -d 'The coordinator\'s data directory [default: /var/lib/wonder for root, else the user\'s data directory]' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from add" -l database -d 'The coordinator\'s database, where it is not in the data directory' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from add" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from add" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from add" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from add" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from add" -l client-secret-stdin -d 'Read the client secret from stdin; without it this is a public client'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from add" -l create-accounts -d 'Whoever logs in there and has no account here gets one'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from add" -l link-verified-email -d 'An e-mail address that it vouches for opens the account of that address'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from add" -l no-check -d 'Keep it without asking it what it says of itself: it is not there yet, or not to be reached from here'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from add" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from add" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from list" -l data-dir -d 'The coordinator\'s data directory [default: /var/lib/wonder for root, else the user\'s data directory]' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from list" -l database -d 'The coordinator\'s database, where it is not in the data directory' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from list" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from list" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from list" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from list" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from list" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from list" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -l issuer -d 'The issuer that it has: one with another issuer is another provider' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -l client-id -d 'What it knows this coordinator as' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -l title -d 'What its button says; empty: the name' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -l scope -d 'What is asked for beside openid' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -l create-accounts -d 'Whoever logs in there and has no account here gets one, or not (=false)' -r -f -a "true\t''
false\t''"
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -l link-verified-email -d 'An e-mail address that it vouches for opens the account of that address, or not (=false)' -r -f -a "true\t''
false\t''"
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -l bearer-audience -d 'The API takes its access tokens that were made for this audience or client' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -l rule -d 'Whoever has VALUE in CLAIM is a member of an organization' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -l data-dir -d 'The coordinator\'s data directory [default: /var/lib/wonder for root, else the user\'s data directory]' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -l database -d 'The coordinator\'s database, where it is not in the data directory' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -l client-secret-stdin -d 'Read the new client secret from stdin'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -l no-client-secret -d 'It is a public client from now on'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -l no-scopes -d 'Nothing is asked for beside openid'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -l no-bearer-audiences -d 'The API takes none of its tokens'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -l no-rules -d 'Nobody is a member by what it says'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from edit" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from remove" -l data-dir -d 'The coordinator\'s data directory [default: /var/lib/wonder for root, else the user\'s data directory]' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from remove" -l database -d 'The coordinator\'s database, where it is not in the data directory' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from remove" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from remove" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from remove" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from remove" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from remove" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from remove" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand provider; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand identity; and not __fish_seen_subcommand_from list remove" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand identity; and not __fish_seen_subcommand_from list remove" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand identity; and not __fish_seen_subcommand_from list remove" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand identity; and not __fish_seen_subcommand_from list remove" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand identity; and not __fish_seen_subcommand_from list remove" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand identity; and not __fish_seen_subcommand_from list remove" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand identity; and not __fish_seen_subcommand_from list remove" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand identity; and not __fish_seen_subcommand_from list remove" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand identity; and not __fish_seen_subcommand_from list remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wonder -n "__fish_wonder_using_subcommand identity; and not __fish_seen_subcommand_from list remove" -f -a "list" -d 'List who you are at which provider'
complete -c wonder -n "__fish_wonder_using_subcommand identity; and not __fish_seen_subcommand_from list remove" -f -a "remove" -d 'Disconnect one: it logs you in no more, and log-ins that came by it end'
complete -c wonder -n "__fish_wonder_using_subcommand identity; and __fish_seen_subcommand_from list" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand identity; and __fish_seen_subcommand_from list" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand identity; and __fish_seen_subcommand_from list" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand identity; and __fish_seen_subcommand_from list" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand identity; and __fish_seen_subcommand_from list" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand identity; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand identity; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand identity; and __fish_seen_subcommand_from list" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand identity; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand identity; and __fish_seen_subcommand_from remove" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand identity; and __fish_seen_subcommand_from remove" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand identity; and __fish_seen_subcommand_from remove" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand identity; and __fish_seen_subcommand_from remove" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand identity; and __fish_seen_subcommand_from remove" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand identity; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand identity; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand identity; and __fish_seen_subcommand_from remove" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand identity; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -f -a "create" -d 'Make an organization to share; you are its owner'
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -f -a "list" -d 'List the organizations that you are in'
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -f -a "show" -d 'Show an organization'
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -f -a "rename" -d 'Give an organization another name; its domain stays'
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -f -a "delete" -d 'Delete an organization with everything that it has'
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -f -a "use" -d 'Make an organization the current one of this profile'
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -f -a "invite" -d 'Invite somebody to the organization'
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -f -a "invitations" -d 'List the invitations of the last month'
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -f -a "revoke" -d 'Revoke an invitation: nobody accepts it any more'
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -f -a "accept" -d 'Accept an invitation'
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -f -a "members" -d 'List who is in the organization'
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -f -a "role" -d 'Make a member an admin, or an admin a member'
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -f -a "remove" -d 'Take somebody out of the organization: what they made for it ends'
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -f -a "transfer" -d 'Make another member the owner; you are an admin then'
complete -c wonder -n "__fish_wonder_using_subcommand org; and not __fish_seen_subcommand_from create list show rename delete use invite invitations revoke accept members role remove transfer leave" -f -a "leave" -d 'Leave the organization: what you made for it ends'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from create" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from create" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from create" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from create" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from create" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from create" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from create" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from list" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from list" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from list" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from list" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from list" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from list" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from show" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from show" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from show" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from show" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from show" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from show" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from rename" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from rename" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from rename" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from rename" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from rename" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from rename" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from rename" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from rename" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from rename" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from delete" -l confirm -d 'Its name, in place of being asked for it' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from delete" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from delete" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from delete" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from delete" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from delete" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from delete" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from delete" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from delete" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from use" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from use" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from use" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from use" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from use" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from use" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from use" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from use" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from use" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from invite" -l role -d 'What they will be' -r -f -a "admin\t''
member\t''"
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from invite" -l ttl -d 'How long the invitation is good [default: 7d]' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from invite" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from invite" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from invite" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from invite" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from invite" -l no-mail -d 'Do not mail the link to them'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from invite" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from invite" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from invite" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from invite" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from invite" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from invitations" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from invitations" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from invitations" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from invitations" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from invitations" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from invitations" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from invitations" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from invitations" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from invitations" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from revoke" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from revoke" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from revoke" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from revoke" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from revoke" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from revoke" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from revoke" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from revoke" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from accept" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from accept" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from accept" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from accept" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from accept" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from accept" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from accept" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from accept" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from accept" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from members" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from members" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from members" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from members" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from members" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from members" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from members" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from members" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from members" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from role" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from role" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from role" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from role" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from role" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from role" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from role" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from role" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from role" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from remove" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from remove" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from remove" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from remove" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from remove" -l expire-devices -d 'End the keys of their devices too'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from remove" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from remove" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from transfer" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from transfer" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from transfer" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from transfer" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from transfer" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from transfer" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from transfer" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from transfer" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from transfer" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from leave" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from leave" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from leave" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from leave" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from leave" -l expire-devices -d 'End the keys of your devices there too'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from leave" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from leave" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from leave" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from leave" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand org; and __fish_seen_subcommand_from leave" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand audit; and not __fish_seen_subcommand_from verify" -s n -l newest -d 'How many of the newest [default: 50; 10 before those that --follow waits for; all of them with --since]' -r
complete -c wonder -n "__fish_wonder_using_subcommand audit; and not __fish_seen_subcommand_from verify" -l since -d 'How far back [default of --lines: 24h]' -r
complete -c wonder -n "__fish_wonder_using_subcommand audit; and not __fish_seen_subcommand_from verify" -l until -d 'Not what happened after so long ago' -r
complete -c wonder -n "__fish_wonder_using_subcommand audit; and not __fish_seen_subcommand_from verify" -l actor -d 'Only what this one did: a name, an e-mail address or an id' -r
complete -c wonder -n "__fish_wonder_using_subcommand audit; and not __fish_seen_subcommand_from verify" -l action -d 'Only this action (`node.remove`), or all of a noun (`node`)' -r
complete -c wonder -n "__fish_wonder_using_subcommand audit; and not __fish_seen_subcommand_from verify" -l result -d 'What was done alone, or what was refused alone' -r -f -a "done\t''
refused\t''"
complete -c wonder -n "__fish_wonder_using_subcommand audit; and not __fish_seen_subcommand_from verify" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand audit; and not __fish_seen_subcommand_from verify" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand audit; and not __fish_seen_subcommand_from verify" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand audit; and not __fish_seen_subcommand_from verify" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand audit; and not __fish_seen_subcommand_from verify" -l follow -d 'Go on, and print what happens from now on'
complete -c wonder -n "__fish_wonder_using_subcommand audit; and not __fish_seen_subcommand_from verify" -l lines -d 'Print one JSON object a line, however many there are'
complete -c wonder -n "__fish_wonder_using_subcommand audit; and not __fish_seen_subcommand_from verify" -l all -d 'All organizations and the coordinator itself: for its administrators'
complete -c wonder -n "__fish_wonder_using_subcommand audit; and not __fish_seen_subcommand_from verify" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand audit; and not __fish_seen_subcommand_from verify" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand audit; and not __fish_seen_subcommand_from verify" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand audit; and not __fish_seen_subcommand_from verify" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand audit; and not __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c wonder -n "__fish_wonder_using_subcommand audit; and not __fish_seen_subcommand_from verify" -f -a "verify" -d 'Check that no event was changed, put in or taken out; on the coordinator\'s host'
complete -c wonder -n "__fish_wonder_using_subcommand audit; and __fish_seen_subcommand_from verify" -l known -d 'The newest link of an earlier check, as it was printed: the trail must still hold it' -r
complete -c wonder -n "__fish_wonder_using_subcommand audit; and __fish_seen_subcommand_from verify" -l data-dir -d 'The coordinator\'s data directory [default: /var/lib/wonder for root, else the user\'s data directory]' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand audit; and __fish_seen_subcommand_from verify" -l database -d 'The coordinator\'s database, where it is not in the data directory' -r
complete -c wonder -n "__fish_wonder_using_subcommand audit; and __fish_seen_subcommand_from verify" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand audit; and __fish_seen_subcommand_from verify" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand audit; and __fish_seen_subcommand_from verify" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand audit; and __fish_seen_subcommand_from verify" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand audit; and __fish_seen_subcommand_from verify" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand audit; and __fish_seen_subcommand_from verify" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand audit; and __fish_seen_subcommand_from verify" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand audit; and __fish_seen_subcommand_from verify" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand audit; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand app; and not __fish_seen_subcommand_from register list show revoke" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand app; and not __fish_seen_subcommand_from register list show revoke" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand app; and not __fish_seen_subcommand_from register list show revoke" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand app; and not __fish_seen_subcommand_from register list show revoke" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand app; and not __fish_seen_subcommand_from register list show revoke" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand app; and not __fish_seen_subcommand_from register list show revoke" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand app; and not __fish_seen_subcommand_from register list show revoke" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand app; and not __fish_seen_subcommand_from register list show revoke" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand app; and not __fish_seen_subcommand_from register list show revoke" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand app; and not __fish_seen_subcommand_from register list show revoke" -f -a "register" -d 'Register an app'
complete -c wonder -n "__fish_wonder_using_subcommand app; and not __fish_seen_subcommand_from register list show revoke" -f -a "list" -d 'List the apps of the organization'
complete -c wonder -n "__fish_wonder_using_subcommand app; and not __fish_seen_subcommand_from register list show revoke" -f -a "show" -d 'Show an app'
complete -c wonder -n "__fish_wonder_using_subcommand app; and not __fish_seen_subcommand_from register list show revoke" -f -a "revoke" -d 'Revoke an app: what anybody allowed it is over'
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from register" -l redirect -d 'Where browsers may be sent back to; can be given several times' -r
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from register" -l post-logout-redirect -d 'Where browsers may be led after a log-out; can be given several times' -r
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from register" -l scope -d 'The most that it may ask for; can be given several times [default: all]' -r -f -a "nodes:read\t''
nodes:write\t''
keys:read\t''
keys:write\t''
profile:read\t''"
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from register" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from register" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from register" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from register" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from register" -l public -d 'It can keep no secret: a program on a phone or a desktop'
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from register" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from register" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from register" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from register" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from register" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from list" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from list" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from list" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from list" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from list" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from list" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from show" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from show" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from show" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from show" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from show" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from show" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from revoke" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from revoke" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from revoke" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from revoke" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from revoke" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from revoke" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from revoke" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from revoke" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand app; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand grant; and not __fish_seen_subcommand_from list revoke" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand grant; and not __fish_seen_subcommand_from list revoke" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand grant; and not __fish_seen_subcommand_from list revoke" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand grant; and not __fish_seen_subcommand_from list revoke" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand grant; and not __fish_seen_subcommand_from list revoke" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand grant; and not __fish_seen_subcommand_from list revoke" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand grant; and not __fish_seen_subcommand_from list revoke" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand grant; and not __fish_seen_subcommand_from list revoke" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand grant; and not __fish_seen_subcommand_from list revoke" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand grant; and not __fish_seen_subcommand_from list revoke" -f -a "list" -d 'List what you allowed apps'
complete -c wonder -n "__fish_wonder_using_subcommand grant; and not __fish_seen_subcommand_from list revoke" -f -a "revoke" -d 'Revoke what was allowed an app: it is over at once'
complete -c wonder -n "__fish_wonder_using_subcommand grant; and __fish_seen_subcommand_from list" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand grant; and __fish_seen_subcommand_from list" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand grant; and __fish_seen_subcommand_from list" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand grant; and __fish_seen_subcommand_from list" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand grant; and __fish_seen_subcommand_from list" -l all -d 'What anybody allowed in the organization, which its admins may see'
complete -c wonder -n "__fish_wonder_using_subcommand grant; and __fish_seen_subcommand_from list" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand grant; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand grant; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand grant; and __fish_seen_subcommand_from list" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand grant; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand grant; and __fish_seen_subcommand_from revoke" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand grant; and __fish_seen_subcommand_from revoke" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand grant; and __fish_seen_subcommand_from revoke" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand grant; and __fish_seen_subcommand_from revoke" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand grant; and __fish_seen_subcommand_from revoke" -l all -d 'Somebody else\'s in the organization, which its admins may revoke'
complete -c wonder -n "__fish_wonder_using_subcommand grant; and __fish_seen_subcommand_from revoke" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand grant; and __fish_seen_subcommand_from revoke" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand grant; and __fish_seen_subcommand_from revoke" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand grant; and __fish_seen_subcommand_from revoke" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand grant; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and not __fish_seen_subcommand_from join" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and not __fish_seen_subcommand_from join" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and not __fish_seen_subcommand_from join" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and not __fish_seen_subcommand_from join" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and not __fish_seen_subcommand_from join" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and not __fish_seen_subcommand_from join" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and not __fish_seen_subcommand_from join" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and not __fish_seen_subcommand_from join" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and not __fish_seen_subcommand_from join" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and not __fish_seen_subcommand_from join" -f -a "join" -d 'Bring this machine into the network that an API key or access token is for, tagged as deployer'
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and __fish_seen_subcommand_from join" -l hostname -d 'The name to ask for [default: this system\'s own]' -r
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and __fish_seen_subcommand_from join" -l timeout -d 'How long to wait until it is connected' -r
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and __fish_seen_subcommand_from join" -l socket -d 'Where tailscaled listens [default: where this system has it]' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and __fish_seen_subcommand_from join" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and __fish_seen_subcommand_from join" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and __fish_seen_subcommand_from join" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and __fish_seen_subcommand_from join" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and __fish_seen_subcommand_from join" -l force -d 'Replace a log-in to another network'
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and __fish_seen_subcommand_from join" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and __fish_seen_subcommand_from join" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and __fish_seen_subcommand_from join" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and __fish_seen_subcommand_from join" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand deployer; and __fish_seen_subcommand_from join" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand completions" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand completions" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand completions" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand completions" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand completions" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand completions" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand completions" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand completions" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand completions" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand man" -l coordinator -d 'The coordinator to talk to, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand man" -l profile -d 'The log-in to use, by the name of its profile' -r
complete -c wonder -n "__fish_wonder_using_subcommand man" -l org -d 'The organization to act on, in place of the profile\'s' -r
complete -c wonder -n "__fish_wonder_using_subcommand man" -l ca-file -d 'Trust these certificates (PEM) in place of the system\'s' -r -F
complete -c wonder -n "__fish_wonder_using_subcommand man" -l json -d 'Answer with one JSON document'
complete -c wonder -n "__fish_wonder_using_subcommand man" -s q -l quiet -d 'Print data and errors only'
complete -c wonder -n "__fish_wonder_using_subcommand man" -s v -l verbose -d 'Say on stderr what is done, as a log'
complete -c wonder -n "__fish_wonder_using_subcommand man" -l yes -d 'Answer every question with yes'
complete -c wonder -n "__fish_wonder_using_subcommand man" -s h -l help -d 'Print help'
complete -c wonder -n "__fish_wonder_using_subcommand help; and not __fish_seen_subcommand_from serve user login logout whoami token worker node key key-ring mail provider identity org audit app grant deployer completions man help" -f -a "serve" -d 'Run the coordinator'
complete -c wonder -n "__fish_wonder_using_subcommand help; and not __fish_seen_subcommand_from serve user login logout whoami token worker node key key-ring mail provider identity org audit app grant deployer completions man help" -f -a "user" -d 'Accounts, on the coordinator\'s own host'
complete -c wonder -n "__fish_wonder_using_subcommand help; and not __fish_seen_subcommand_from serve user login logout whoami token worker node key key-ring mail provider identity org audit app grant deployer completions man help" -f -a "login" -d 'Log in to a coordinator'
complete -c wonder -n "__fish_wonder_using_subcommand help; and not __fish_seen_subcommand_from serve user login logout whoami token worker node key key-ring mail provider identity org audit app grant deployer completions man help" -f -a "logout" -d 'Log out: the log-in ends at the coordinator, and its profile goes'
complete -c wonder -n "__fish_wonder_using_subcommand help; and not __fish_seen_subcommand_from serve user login logout whoami token worker node key key-ring mail provider identity org audit app grant deployer completions man help" -f -a "whoami" -d 'Show who is logged in, where'
complete -c wonder -n "__fish_wonder_using_subcommand help; and not __fish_seen_subcommand_from serve user login logout whoami token worker node key key-ring mail provider identity org audit app grant deployer completions man help" -f -a "token" -d 'Join tokens: what a device joins with'
complete -c wonder -n "__fish_wonder_using_subcommand help; and not __fish_seen_subcommand_from serve user login logout whoami token worker node key key-ring mail provider identity org audit app grant deployer completions man help" -f -a "worker" -d 'This device'
complete -c wonder -n "__fish_wonder_using_subcommand help; and not __fish_seen_subcommand_from serve user login logout whoami token worker node key key-ring mail provider identity org audit app grant deployer completions man help" -f -a "node" -d 'The devices of an organization'
complete -c wonder -n "__fish_wonder_using_subcommand help; and not __fish_seen_subcommand_from serve user login logout whoami token worker node key key-ring mail provider identity org audit app grant deployer completions man help" -f -a "key" -d 'API keys: what a program logs in with'
complete -c wonder -n "__fish_wonder_using_subcommand help; and not __fish_seen_subcommand_from serve user login logout whoami token worker node key key-ring mail provider identity org audit app grant deployer completions man help" -f -a "key-ring" -d 'The master keys that seal what the coordinator must read back, on its own host'
complete -c wonder -n "__fish_wonder_using_subcommand help; and not __fish_seen_subcommand_from serve user login logout whoami token worker node key key-ring mail provider identity org audit app grant deployer completions man help" -f -a "mail" -d 'The password of the mail server, on the coordinator\'s own host'
complete -c wonder -n "__fish_wonder_using_subcommand help; and not __fish_seen_subcommand_from serve user login logout whoami token worker node key key-ring mail provider identity org audit app grant deployer completions man help" -f -a "provider" -d 'OpenID Connect providers that people log in with, on the coordinator\'s own host'
complete -c wonder -n "__fish_wonder_using_subcommand help; and not __fish_seen_subcommand_from serve user login logout whoami token worker node key key-ring mail provider identity org audit app grant deployer completions man help" -f -a "identity" -d 'The providers that log you in, and who you are there'
complete -c wonder -n "__fish_wonder_using_subcommand help; and not __fish_seen_subcommand_from serve user login logout whoami token worker node key key-ring mail provider identity org audit app grant deployer completions man help" -f -a "org" -d 'Organizations: people who share one mesh'
complete -c wonder -n "__fish_wonder_using_subcommand help; and not __fish_seen_subcommand_from serve user login logout whoami token worker node key key-ring mail provider identity org audit app grant deployer completions man help" -f -a "audit" -d 'Who did what, and what was refused'
complete -c wonder -n "__fish_wonder_using_subcommand help; and not __fish_seen_subcommand_from serve user login logout whoami token worker node key key-ring mail provider identity org audit app grant deployer completions man help" -f -a "app" -d 'Apps of third parties, which people let in with one click (OAuth 2.0)'
complete -c wonder -n "__fish_wonder_using_subcommand help; and not __fish_seen_subcommand_from serve user login logout whoami token worker node key key-ring mail provider identity org audit app grant deployer completions man help" -f -a "grant" -d 'What you, or an organization\'s people, allowed apps'
complete -c wonder -n "__fish_wonder_using_subcommand help; and not __fish_seen_subcommand_from serve user login logout whoami token worker node key key-ring mail provider identity org audit app grant deployer completions man help" -f -a "deployer" -d 'A platform\'s own machine, through which it reaches the workers'
complete -c wonder -n "__fish_wonder_using_subcommand help; and not __fish_seen_subcommand_from serve user login logout whoami token worker node key key-ring mail provider identity org audit app grant deployer completions man help" -f -a "completions" -d 'Print what makes a shell complete the commands of wonder'
complete -c wonder -n "__fish_wonder_using_subcommand help; and not __fish_seen_subcommand_from serve user login logout whoami token worker node key key-ring mail provider identity org audit app grant deployer completions man help" -f -a "man" -d 'Print the manual page, or write every page into a directory'
complete -c wonder -n "__fish_wonder_using_subcommand help; and not __fish_seen_subcommand_from serve user login logout whoami token worker node key key-ring mail provider identity org audit app grant deployer completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "create" -d 'Make an account; the first one is an administrator'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "list" -d 'List the accounts'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "disable" -d 'Lock an account: its log-ins end, its devices stay'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "enable" -d 'Unlock an account'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "reset-password" -d 'Give an account a new password; its log-ins end'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "create" -d 'Make a join token'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "list" -d 'List the join tokens'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from token" -f -a "revoke" -d 'Revoke a join token: no further device joins with it, those that have stay'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from worker" -f -a "join" -d 'Bring this device into the network that a join token is for'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from worker" -f -a "status" -d 'Show how this device stands'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from worker" -f -a "leave" -d 'Take this device out of its network'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from node" -f -a "list" -d 'List the nodes'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from node" -f -a "show" -d 'Show everything about a node'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from node" -f -a "rename" -d 'Give a node another name'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from node" -f -a "remove" -d 'Remove a node: it is cut off at once, and has to join again'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from node" -f -a "expire" -d 'End a node\'s key: the device has to log in again'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from node" -f -a "approve" -d 'Let a device in that waits for approval'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from node" -f -a "approve-routes" -d 'Say which subnets are reached through a node: exactly those named'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "create" -d 'Make an API key'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "list" -d 'List the API keys'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "rotate" -d 'Give an API key a new secret; the old one works on for a while'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "policy" -d 'Show or set how old the secrets of the organization\'s API keys may get'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "revoke" -d 'Revoke an API key: it works no longer'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from key-ring" -f -a "list" -d 'List the master keys by their names, and what is sealed with which'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from key-ring" -f -a "rotate" -d 'Make a new master key, and seal everything with it'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from key-ring" -f -a "reset" -d 'Forget all that was sealed with a master key that is lost'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from mail" -f -a "set-password" -d 'Keep the password, sealed with the master key, for a mail.username whose password is not in the settings'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from mail" -f -a "forget-password" -d 'Forget the password that is kept'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from provider" -f -a "add" -d 'Add a provider'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from provider" -f -a "list" -d 'List the providers: those that were added, and those of the settings file'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from provider" -f -a "edit" -d 'Change a provider: who people are there stays'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from provider" -f -a "remove" -d 'Remove a provider: log-ins that came from it end, accounts stay'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from identity" -f -a "list" -d 'List who you are at which provider'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from identity" -f -a "remove" -d 'Disconnect one: it logs you in no more, and log-ins that came by it end'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "create" -d 'Make an organization to share; you are its owner'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "list" -d 'List the organizations that you are in'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "show" -d 'Show an organization'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "rename" -d 'Give an organization another name; its domain stays'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "delete" -d 'Delete an organization with everything that it has'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "use" -d 'Make an organization the current one of this profile'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "invite" -d 'Invite somebody to the organization'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "invitations" -d 'List the invitations of the last month'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "revoke" -d 'Revoke an invitation: nobody accepts it any more'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "accept" -d 'Accept an invitation'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "members" -d 'List who is in the organization'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "role" -d 'Make a member an admin, or an admin a member'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "remove" -d 'Take somebody out of the organization: what they made for it ends'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "transfer" -d 'Make another member the owner; you are an admin then'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from org" -f -a "leave" -d 'Leave the organization: what you made for it ends'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from audit" -f -a "verify" -d 'Check that no event was changed, put in or taken out; on the coordinator\'s host'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from app" -f -a "register" -d 'Register an app'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from app" -f -a "list" -d 'List the apps of the organization'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from app" -f -a "show" -d 'Show an app'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from app" -f -a "revoke" -d 'Revoke an app: what anybody allowed it is over'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from grant" -f -a "list" -d 'List what you allowed apps'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from grant" -f -a "revoke" -d 'Revoke what was allowed an app: it is over at once'
complete -c wonder -n "__fish_wonder_using_subcommand help; and __fish_seen_subcommand_from deployer" -f -a "join" -d 'Bring this machine into the network that an API key or access token is for, tagged as deployer'
