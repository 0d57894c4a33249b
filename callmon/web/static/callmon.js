// What script adds: the page follows what happens, and says so when it no longer does. Without it everything is
// readable and usable: load the page again.
"use strict";

(() => {
  const body = document.body;
  const address = body.dataset.live;
  const stale = document.querySelector("[data-stale]");
  const french = document.documentElement.lang === "fr";
  let heard = Date.now();
  // What callmon sent is the pulse of the wall: it stops with the news.
  const hear = () => {
    heard = Date.now();
    body.dataset.beat = body.dataset.beat === "1" ? "0" : "1";
  };

  // « Page figée depuis … », by this computer's own clock.
  const clock = (at) => new Date(at).toLocaleTimeString(french ? "fr-CA" : "en-CA");

  // An element is known by its id, by that of its label, or by the first of these inside it; any other by its kind.
  const NAMED = "[id], [aria-labelledby]";
  const nameOf = (node) => {
    const named = node.nodeType !== 1 || node.matches(NAMED) ? node : node.querySelector(NAMED);
    return named?.id || named?.getAttribute?.("aria-labelledby") || "";
  };
  const isSame = (one, other) => one.nodeName === other.nodeName && nameOf(one) === nameOf(other);

  // The live part is updated in place. An element with a name is kept, with the focus on it or inside it, whatever
  // comes or goes before it.
  const patch = (here, there) => {
    if (here.isEqualNode(there)) return;
    if (here.nodeType !== 1) {
      here.nodeValue = there.nodeValue;
      return;
    }
    if ("row" in here.dataset && here.contains(document.activeElement)) return;
    // What the reader opened stays open.
    for (const name of here.getAttributeNames()) {
      if (name !== "open" && !there.hasAttribute(name)) here.removeAttribute(name);
    }
    for (const name of there.getAttributeNames()) {
      if (here.getAttribute(name) !== there.getAttribute(name)) here.setAttribute(name, there.getAttribute(name));
    }
    let next = here.firstChild;
    for (const node of [...there.childNodes]) {
      let old = next;
      if (nameOf(node)) while (old && !isSame(old, node)) old = old.nextSibling;
      if (!old || !isSame(old, node)) {
        here.insertBefore(node, next);
        continue;
      }
      while (next !== old) next = removed(next);
      patch(old, node);
      next = old.nextSibling;
    }
    while (next) next = removed(next);
  };
  const removed = (node) => {
    const after = node.nextSibling;
    node.remove();
    return after;
  };

  const parsed = (text) => new DOMParser().parseFromString(text, "text/html");

  // A worklist is fetched again. The row with the focus is left alone, so that its button keeps its meaning. When
  // it goes, the focus goes to the link of the same entry in another group, or of the next entry.
  const follow = async () => {
    const here = document.querySelector("[data-rows]");
    const answer = await fetch(location.href, { credentials: "same-origin" });
    const there = answer.ok && parsed(await answer.text()).getElementById(here.id);
    if (!there) return;
    const rows = [...here.querySelectorAll("[data-row]")];
    const known = new Set(rows.map((row) => row.id));
    const row = document.activeElement.closest("[data-row]");
    patch(here, there);
    for (const now of here.querySelectorAll("[data-row]")) now.classList.toggle("arrived", !known.has(now.id));
    if (!row || row.isConnected) return;
    const at = rows.indexOf(row);
    const next = [...rows.slice(at), ...rows.slice(0, at).reverse()]
      .map((old) => document.getElementById(old.id))
      .find(Boolean);
    (next?.querySelector("a[href]") ?? document.getElementById("main")).focus();
  };

  // Filters of which none is in force come folded on a telephone.
  if (matchMedia("(max-width: 40rem)").matches) {
    for (const part of document.querySelectorAll("[data-fold]")) part.open = false;
  }

  // A telephone shows the chart of the day up to the half-hour in progress.
  for (const chart of document.querySelectorAll("[data-until]")) {
    chart.scrollLeft = chart.dataset.until * chart.scrollWidth - chart.clientWidth;
  }

  // A notice is copied by a button. It is selected too, so that the keyboard can copy it where the button may not.
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.copy);
      const said = button.parentElement.querySelector("[data-copied]");
      getSelection().selectAllChildren(text);
      // Over plain HTTP there is no clipboard, and the older command works.
      if (navigator.clipboard) await navigator.clipboard.writeText(text.textContent);
      else if (!document.execCommand("copy")) return;
      said.textContent = said.dataset.copied;
    });
  }

  // A report that is being made: ask again until it is there.
  const ask = async () => {
    const holder = document.querySelector("[data-wait]");
    if (!holder) return;
    const answer = await fetch(location.href, { credentials: "same-origin" });
    if (answer.ok) patch(holder, parsed(await answer.text()).getElementById(holder.id));
    setTimeout(() => ask().catch(() => {}), 500);
  };
  ask().catch(() => {});

  // What changes slowly is fetched again now and then; not everybody in the same moment.
  for (const old of document.querySelectorAll("[data-again]")) {
    setInterval(async () => {
      try {
        const answer = await fetch(location.href, { credentials: "same-origin" });
        const now = answer.ok && parsed(await answer.text()).getElementById(old.id);
        if (now) patch(old, now);
      } catch {
        // The next time.
      }
    }, Number(old.dataset.again) * (900 + Math.random() * 200));
  }

  if (!address || !window.EventSource) return;
  setInterval(() => {
    const frozen = Date.now() - heard > 10000;
    if (!stale || stale.hidden !== frozen) return;
    stale.hidden = !frozen;
    stale.textContent = frozen ? `■ ${stale.dataset.stale} ${clock(heard)}` : "";
  }, 1000);

  let revision = body.dataset.revision;
  const source = new EventSource(address);
  source.addEventListener("part", (message) => {
    hear();
    const holder = document.getElementById("live");
    const there = holder.cloneNode(false);
    there.append(...parsed(message.data).body.childNodes);
    patch(holder, there);
  });
  source.addEventListener("still", () => {
    hear();
  });
  source.addEventListener("changed", (message) => {
    hear();
    if (message.data === revision) return;
    revision = message.data;
    // Not everybody in the same moment; by then what changed is stored.
    setTimeout(() => follow().catch(() => {}), 250 + Math.random() * 750);
  });
})();
