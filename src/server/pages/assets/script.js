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
  const refresh = async () => {
    const answer = await fetch(location.href, { headers: { accept: "text/html", "wonder-refresh": "1" } });
    if (!answer.ok || answer.redirected) return location.reload();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-part]")) {
      const now = page.querySelector(`[data-part="${part.dataset.part}"]`);
      if (now && !part.contains(document.activeElement)) part.replaceWith(document.importNode(now, true));
    }
  };
  source.addEventListener("changed", refresh);
  source.addEventListener("over", () => { source.close(); location.reload(); });
  addEventListener("pagehide", () => source.close());
}
