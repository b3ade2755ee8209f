//! The relay against clients decent and otherwise.

use std::time::Duration;
use tokio::io::duplex;

use super::frame::*;
use super::mailbox::DEPTH;
use super::testing::*;
use super::*;
use crate::core::key::NodeKey;
use crate::runtime::Clock;

#[tokio::test]
async fn packets_go_both_ways_and_keep_their_order() {
    let house = House::new(Limits::default());
    let (mut a, mut b) = (house.join().await, house.join().await);
    for n in 0..20 {
        a.send(&b.public(), &[n]).await;
    }
    b.send(&a.public(), &[9; MAX_PACKET]).await;
    for n in 0..20 {
        assert_eq!(b.packet().await, (a.public(), vec![n]));
    }
    assert_eq!(a.packet().await, (b.public(), vec![9; MAX_PACKET]));
    let stats = house.relay.stats();
    assert_eq!((stats.clients, stats.packets, stats.dropped), (2, 21, 0));
}

#[tokio::test]
async fn it_matters_not_how_the_network_cuts_the_frames() {
    let house = House::new(Limits::default());
    let mut a = house.connect_with(&house.member(house.ours), 7).await;
    let mut b = house.connect_with(&house.member(house.ours), 3).await;
    for n in 0..10u8 {
        a.send(&b.public(), &[n; 300]).await;
        assert_eq!(b.packet().await, (a.public(), vec![n; 300]));
    }
}

#[tokio::test]
async fn what_comes_together_with_the_first_frame_is_part_of_the_talk() {
    let house = House::new(Limits::default());
    let mut b = house.join().await;
    let key = house.member(house.ours);
    let mut early = client_info(&key, &house.relay.public_key(), INFO);
    early.extend(encode(SEND, &[b.public().as_bytes(), b"early"]));
    early.extend_from_slice(&encode(PING, &[b"pingpong"])[..6]);
    let mut a = house.dial(&key, 1_000);
    a.write(&early).await;
    a.write(b"ingpong").await;
    assert_eq!(a.frame().await.0, SERVER_KEY);
    a.welcomed(&house.relay.public_key()).await;
    assert_eq!(b.packet().await, (a.public(), b"early".to_vec()));
    assert_eq!(a.frame().await, (PONG, b"pingpong".to_vec()));
}

#[tokio::test]
async fn nothing_crosses_from_one_realm_to_another() {
    let house = House::new(Limits::default());
    let mut spy = house.join().await;
    let mut victim = house.connect(&house.member(house.theirs)).await;
    let mut friend = house.connect(&house.member(house.theirs)).await;
    let absent = NodeKey([9; 32]);
    for target in [victim.public(), absent] {
        spy.send(&target, b"let me in").await;
        spy.send(&target, &disco()).await;
        assert_eq!(spy.gone().await, (target, 1), "connected elsewhere looks like absent");
    }
    assert_eq!((house.relay.stats().packets, house.relay.stats().dropped), (0, 4));
    friend.send(&victim.public(), b"hello").await;
    assert_eq!(victim.packet().await, (friend.public(), b"hello".to_vec()), "the first it ever got");
    drop(spy);
    house.wait_for(|stats| stats.clients == 2).await;
    friend.send(&victim.public(), b"still only us").await;
    assert_eq!(victim.packet().await.1, b"still only us");
}

#[tokio::test]
async fn a_key_that_nobody_knows_is_not_admitted() {
    let house = House::new(Limits::default());
    let key = RelayKey::random();
    let mut node = house.dial(&key, 1_000);
    node.write(&client_info(&key, &house.relay.public_key(), INFO)).await;
    assert!(matches!(node.ended().await, End::NotAdmitted));
    assert_eq!(house.relay.stats().clients, 0);
}

#[tokio::test]
async fn a_forged_identity_is_refused() {
    let house = House::new(Limits::default());
    let relay = house.relay.public_key();
    let (victim, attacker) = (house.member(house.ours), RelayKey::random());
    let forged = encode(CLIENT_INFO, &[victim.public().as_bytes(), &attacker.seal(&relay, INFO).unwrap()]);
    let replayed = client_info(&victim, &RelayKey::random().public(), INFO);
    let no_json = client_info(&victim, &relay, b"version 2");
    let old = client_info(&victim, &relay, b"{}");
    let wrong_kind = encode(SEND, &[&[0; 80]]);
    let short = encode(CLIENT_INFO, &[&[0; 31]]);
    for (which, bytes) in [forged, replayed, no_json, old, wrong_kind, short].iter().enumerate() {
        let mut node = house.dial(&attacker, 1_000);
        node.write(bytes).await;
        let end = node.ended().await;
        assert!(matches!(end, End::Forged), "case {which}: {end:?}");
    }
    let mut node = house.dial(&attacker, 1_000);
    node.write(&[CLIENT_INFO, 0, 0, 0x10, 1]).await;
    assert!(matches!(node.ended().await, End::Garbage), "too long for one who is not known");
}

/// On a clock that stands still while anybody has work.
#[tokio::test(start_paused = true)]
async fn silence_and_crowds_are_bounded() {
    let house = House::new(Limits {
        handshake: Duration::from_millis(200),
        half_open_per_address: 2,
        ..Limits::default()
    });
    let key = house.member(house.ours);
    let mut silent = house.dial(&key, 1_000);
    let mut also = house.dial(&key, 1_000);
    assert_eq!((silent.frame().await.0, also.frame().await.0), (SERVER_KEY, SERVER_KEY));
    assert!(matches!(house.dial(&key, 1_000).ended().await, End::Full));
    assert!(matches!(silent.ended().await, End::TimedOut));
    assert!(matches!(also.ended().await, End::TimedOut));
    house.connect(&key).await;
}

#[tokio::test]
async fn who_does_not_read_loses_the_oldest_packets() {
    let house = House::new(Limits { write: PATIENCE, ..Limits::default() });
    let mut slow = house.connect_with(&house.member(house.ours), 64).await;
    let mut sender = house.join().await;
    for n in 0..200u8 {
        sender.send(&slow.public(), &[n; 1_000]).await;
    }
    sender.send(&slow.public(), &disco()).await;
    house.wait_for(|stats| stats.packets == 201).await;
    let dropped = usize::try_from(house.relay.stats().dropped).unwrap();
    assert!(dropped >= 200 - 2 * DEPTH, "{dropped}");
    let mut got = vec![];
    for _ in 0..201 - dropped {
        got.push(slow.packet().await.1);
    }
    let data: Vec<u8> = got.iter().filter(|packet| packet.len() == 1_000).map(|packet| packet[0]).collect();
    let newest: Vec<u8> = (200 - u8::try_from(DEPTH).unwrap()..200).collect();
    assert_eq!(data[data.len() - DEPTH..], newest, "the newest survive, in order");
    let at = got.iter().position(|packet| *packet == disco()).unwrap();
    assert_eq!(got.len() - at - 1, DEPTH, "path discovery overtakes what waits");
}

/// On a clock that stands still while anybody has work.
#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_cut_off_and_nobody_else() {
    let house = House::new(Limits { write: Duration::from_millis(100), ..Limits::default() });
    let slow = house.connect_with(&house.member(house.ours), 64).await;
    let (mut a, mut b) = (house.join().await, house.join().await);
    for _ in 0..10 {
        a.send(&slow.public(), &[0; 1_000]).await;
    }
    a.send(&b.public(), b"in between").await;
    assert_eq!(b.packet().await.1, b"in between");
    assert!(matches!(slow.ended().await, End::SlowReader));
    a.send(&b.public(), b"after").await;
    assert_eq!(b.packet().await.1, b"after");
}

#[tokio::test]
async fn a_removed_node_is_cut_off_at_once_and_stays_out() {
    let house = House::new(Limits { write: PATIENCE, ..Limits::default() });
    let mut a = house.join().await;
    let key = house.member(house.ours);
    let idle = house.connect(&key).await;
    let stuck = house.connect_with(&key, 64).await;
    a.send(&key.public(), &[0; 5_000]).await;
    house.wait_for(|stats| stats.packets == 1).await;
    house.members.0.lock().unwrap().remove(&key.public());
    house.relay.cut_off(&key.public());
    assert!(matches!(idle.ended().await, End::CutOff));
    assert!(matches!(stuck.ended().await, End::CutOff));
    let mut again = house.dial(&key, 1_000);
    again.write(&client_info(&key, &house.relay.public_key(), INFO)).await;
    assert!(matches!(again.ended().await, End::NotAdmitted));
}

#[tokio::test]
async fn a_duplicate_key_belongs_to_who_wrote_last() {
    let house = House::new(Limits::default());
    let mut peer = house.join().await;
    let key = house.member(house.ours);
    let mut old = house.connect(&key).await;
    let mut new = house.connect(&key).await;
    peer.send(&key.public(), b"to the new").await;
    assert_eq!(new.packet().await.1, b"to the new");
    old.send(&peer.public(), b"I am here too").await;
    assert_eq!(peer.packet().await.1, b"I am here too");
    peer.send(&key.public(), b"to the old").await;
    assert_eq!(old.packet().await.1, b"to the old");
    drop(old);
    house.wait_for(|stats| stats.clients == 2).await;
    peer.send(&key.public(), b"to the new again").await;
    assert_eq!(new.packet().await.1, b"to the new again");
}

#[tokio::test]
async fn who_had_packets_from_a_client_learns_that_it_left() {
    let house = House::new(Limits::default());
    let (mut a, mut b, mut c) = (house.join().await, house.join().await, house.join().await);
    let left = a.public();
    a.send(&b.public(), b"hi").await;
    assert_eq!(b.packet().await.1, b"hi");
    drop(a);
    assert_eq!(b.gone().await, (left, 0));
    b.send(&c.public(), b"next").await;
    assert_eq!(c.packet().await.1, b"next", "who had nothing from it is not told");
}

#[tokio::test]
async fn not_here_answers_disco_alone_and_not_for_ever() {
    let house = House::new(Limits::default());
    let mut a = house.join().await;
    let absent = NodeKey([9; 32]);
    let me = a.public();
    a.send(&absent, b"data").await;
    for _ in 0..50 {
        a.send(&absent, &disco()).await;
    }
    a.send(&me, b"end").await;
    let mut answers = 0;
    while a.frame().await.0 == PEER_GONE {
        answers += 1;
    }
    assert!((1..10).contains(&answers), "{answers}");
}

/// On a clock that stands still while anybody has work.
#[tokio::test(start_paused = true)]
async fn pings_are_answered_and_connections_kept_alive() {
    let house = House::new(Limits {
        keep_alive: Duration::from_millis(50),
        keep_alive_jitter: Duration::from_millis(1),
        ..Limits::default()
    });
    let mut a = house.join().await;
    a.write(&encode(NOTE_PREFERRED, &[&[1]])).await;
    a.write(&encode(PING, &[b"12345678, and what may come later"])).await;
    let mut kinds = vec![];
    for _ in 0..4 {
        kinds.push(a.frame().await);
    }
    assert!(kinds.contains(&(PONG, b"12345678".to_vec())));
    assert_eq!(kinds.iter().filter(|(kind, _)| *kind == KEEP_ALIVE).count(), 3);
}

#[tokio::test]
async fn nonsense_is_passed_over_for_a_while_and_what_harms_is_not() {
    let house = House::new(Limits::default());
    let mut a = house.join().await;
    let me = a.public();
    for _ in 0..10 {
        a.write(&encode(0x77, &[b"from the future"])).await;
    }
    a.send(&me, b"fine").await;
    assert_eq!(a.packet().await.1, b"fine");
    let flood: Vec<u8> = (0..1_000).flat_map(|_| encode(0x77, &[])).collect();
    let too_long = [SEND, 0, 1, 0, 33].to_vec();
    let others = [encode(WATCH, &[]), encode(CLOSE_PEER, &[&me.0]), encode(FORWARD, &[&[0; 70]])];
    let malformed = [encode(SEND, &[&[0; 31]]), encode(PING, &[b"short"]), encode(NOTE_PREFERRED, &[])];
    for bytes in [flood, too_long].into_iter().chain(others).chain(malformed) {
        let mut node = house.join().await;
        node.write(&bytes).await;
        let end = node.ended().await;
        assert!(matches!(end, End::Garbage), "{:?}: {end:?}", &bytes[..5.min(bytes.len())]);
    }
    a.send(&me, b"still here").await;
    assert_eq!(a.packet().await.1, b"still here");
}

#[tokio::test]
async fn all_this_goes_over_tls_with_the_relays_own_certificate() {
    let house = House::new(Limits::default());
    let certificate = Certificate::self_signed(&["192.168.1.10".to_owned()], Clock::system().now()).unwrap();
    let mut nodes = vec![];
    for _ in 0..2 {
        let (io, server) = duplex(100_000);
        let acceptor = tokio_rustls::TlsAcceptor::from(certificate.server_config().unwrap());
        let (client, server) = tokio::join!(trusting(&certificate, io), acceptor.accept(server));
        let end = house.serve(server.unwrap());
        let mut node = Node { key: house.member(house.ours), io: client, unread: vec![], end };
        node.log_in(&house.relay.public_key()).await;
        nodes.push(node);
    }
    let (mut b, mut a) = (nodes.pop().unwrap(), nodes.pop().unwrap());
    for n in 0..30 {
        a.send(&b.public(), &[n; 1_200]).await;
    }
    for n in 0..30 {
        assert_eq!(b.packet().await, (a.public(), vec![n; 1_200]));
    }
}
