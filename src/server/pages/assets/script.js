// What is better with JavaScript: copy buttons, and lists that follow what happens. Every page works without.
"use strict";

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue; // Browsers give it to https and localhost alone.
  button.hidden = false;
  const words = button.textContent;
  button.addEventListener("click", async () => {
    const content = button.parentElement.querySelector("code");
    await navigator.clipboard.writeText(content.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = words; }, 1500);
  });
}

// On a narrow screen the sections scroll: the present one is in sight.
const here = document.querySelector(".tabs [aria-current]");
if (here) {
  const bar = here.closest(".tabs");
  const show = () => { bar.scrollLeft = here.offsetLeft - (bar.clientWidth - here.offsetWidth) / 2; };
  show();
  addEventListener("resize", show);
}

// A click beside an open menu, or Escape, closes it.
const menus = document.querySelectorAll("details.menu");
const closeMenus = (but) => menus.forEach((menu) => { if (menu !== but) menu.open = false; });
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("details.menu[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});

// Parts of the page that follow the coordinator: when it says that something changed, the page is asked for again,
// and these parts are taken from it. What somebody is using just now stays.
const live = document.querySelector("[data-live]");
if (live && window.EventSource) {
  const source = new EventSource(live.dataset.live);
  let newest = 0;
  let leaving = false;
  const refresh = async () => {
    if (leaving) return;
    const number = ++newest;
    const answer = await fetch(location.href, { headers: { accept: "text/html", "wonder-refresh": "1" } });
    const text = await answer.text();
    // What somebody has done here leads on to another page, and an older answer says no more than a newer one.
    if (leaving || number !== newest) return;
    if (!answer.ok || answer.redirected) return location.reload();
    const page = new DOMParser().parseFromString(text, "text/html");
    for (const part of document.querySelectorAll("[data-part]")) {
      const now = page.querySelector(`[data-part="${part.dataset.part}"]`);
      if (now && !part.contains(document.activeElement)) part.replaceWith(document.importNode(now, true));
    }
  };
  source.addEventListener("changed", refresh);
  source.addEventListener("over", () => { source.close(); if (!leaving) location.reload(); });
  // A download leads nowhere: the page goes on following.
  const stays = () => { leaving = false; refresh(); };
  addEventListener("beforeunload", () => { leaving = true; setTimeout(stays, 30000); });
  addEventListener("pagehide", () => source.close());
}

// Passkeys. A form with data-passkey asks the coordinator what to sign, has the browser's passkey sign it, and is sent
// with the answer. It is shown only where that can work; what stands in its place says why not.
const unpack = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const pack = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const unpackIds = (list = []) => list.map((known) => ({ ...known, id: unpack(known.id) }));

const make = async (options) => {
  const user = { ...options.user, id: unpack(options.user.id) };
  const excludeCredentials = unpackIds(options.excludeCredentials);
  const publicKey = { ...options, challenge: unpack(options.challenge), user, excludeCredentials };
  const made = await navigator.credentials.create({ publicKey });
  return [made, {
    clientDataJSON: pack(made.response.clientDataJSON),
    attestationObject: pack(made.response.attestationObject),
    transports: made.response.getTransports ? made.response.getTransports() : [],
  }];
};

const show = async (options) => {
  const allowCredentials = unpackIds(options.allowCredentials);
  const publicKey = { ...options, challenge: unpack(options.challenge), allowCredentials };
  const shown = await navigator.credentials.get({ publicKey });
  return [shown, {
    clientDataJSON: pack(shown.response.clientDataJSON),
    authenticatorData: pack(shown.response.authenticatorData),
    signature: pack(shown.response.signature),
    userHandle: shown.response.userHandle ? pack(shown.response.userHandle) : null,
  }];
};

const askPasskey = async (form) => {
  const body = new URLSearchParams(new FormData(form));
  const asked = await fetch(form.dataset.ask, { method: "POST", body, headers: { accept: "application/json" } });
  if (asked.redirected) return location.reload();
  const said = await asked.json();
  if (!asked.ok) throw new Error(said.detail);
  const [credential, response] = await (form.dataset.passkey === "make" ? make : show)(said);
  form.elements.answer.value = JSON.stringify({
    id: credential.id, rawId: credential.id, type: credential.type, response,
    authenticatorAttachment: credential.authenticatorAttachment || null,
    clientExtensionResults: credential.getClientExtensionResults(),
  });
  form.submit();
};

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential || location.origin !== form.dataset.origin) continue;
  form.hidden = false;
  for (const instead of document.querySelectorAll("[data-no-passkey]")) instead.hidden = true;
  const trouble = form.querySelector("[role=alert]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    trouble.hidden = true;
    try {
      await askPasskey(form);
    } catch (error) {
      // What browsers say of a passkey that was not shown differs, and says little.
      trouble.textContent = error.name === "Error" ? error.message : form.dataset.failed;
      trouble.hidden = false;
    }
  });
}
