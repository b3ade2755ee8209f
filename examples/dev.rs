use clap::Parser;
#[derive(Parser)]
struct A {
    #[command(flatten)]
    f: wonder::config::server::Flags,
}
fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let a = A::parse();
    wonder::server::log::init(std::env::var("WONDER_LOG").ok().as_deref()).unwrap();
    let s = wonder::config::server::Settings::load(a.f).unwrap();
    let rt = tokio::runtime::Runtime::new().unwrap();
    if let Err(e) = rt.block_on(wonder::server::serve(s, |r| {
        println!("{}", serde_json::to_string(r).unwrap());
        eprintln!("setup: {:?}", r.setup_code.as_ref().map(|s| s.reveal().to_owned()));
        Ok(())
    })) {
        eprintln!("{e:?}");
        std::process::exit(1)
    }
}
