// What script adds: the page follows what happens, and says so when it no longer does. Without it everything is
// readable and usable: load the page again.
"use strict";

(() => {
  const body = document.body;
  const address = body.dataset.live;
  const stale = document.querySelector("[data-stale]");
  const french = document.documentElement.lang === "fr";
  let heard = Date.now();

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
    for (const name of here.getAttributeNames()) if (!there.hasAttribute(name)) here.removeAttribute(name);
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

  // A list with filters and forms is fetched again; an entry in which somebody writes is left alone.
  const isBusy = (row) => row.contains(document.activeElement) || row.querySelector("details[open]");
  const follow = async () => {
    const answer = await fetch(location.href, { credentials: "same-origin" });
    if (!answer.ok) return;
    const there = parsed(await answer.text());
    const fresh = new Map([...there.querySelectorAll("[data-row]")].map((row) => [row.id, row]));
    const known = new Set();
    for (const row of document.querySelectorAll("[data-row]")) {
      const now = fresh.get(row.id);
      if (!now) row.remove();
      else if (!isBusy(row)) {
        known.add(row.id);
        if (row.dataset.row !== now.dataset.row) row.replaceWith(now);
      } else known.add(row.id);
    }
    for (const list of there.querySelectorAll("[data-rows]")) {
      const place = document.getElementById(list.id);
      if (!place) return location.reload();
      [...list.children].forEach((row, at) => {
        if (!row.id || known.has(row.id)) return;
        row.classList.add("arrived");
        place.insertBefore(row, place.children[at] || null);
      });
    }
    for (const now of there.querySelectorAll("[data-part]")) {
      const old = document.getElementById(now.id);
      if (old) old.textContent = now.textContent;
    }
  };

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
        if (!now) return;
        for (const [place, part] of now.querySelectorAll("details").entries()) {
          part.open = Boolean(old.querySelectorAll("details")[place]?.open);
        }
        patch(old, now);
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
    heard = Date.now();
    const holder = document.getElementById("live");
    const there = holder.cloneNode(false);
    there.append(...parsed(message.data).body.childNodes);
    patch(holder, there);
  });
  source.addEventListener("still", () => {
    heard = Date.now();
  });
  source.addEventListener("changed", (message) => {
    heard = Date.now();
    if (message.data === revision) return;
    revision = message.data;
    // Not everybody in the same moment; by then what changed is stored.
    setTimeout(() => follow().catch(() => {}), 250 + Math.random() * 750);
  });
})();
