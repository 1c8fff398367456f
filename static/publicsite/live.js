// What HTML alone cannot say about polling. The page is complete without this file.
(function () {
  "use strict";

  const HIDDEN_PERIOD_MS = 60_000;
  const lastAsked = new Map();
  const kept = new Map();

  function isRegion(element) {
    return element instanceof Element && element.classList.contains("region");
  }

  // A tab nobody looks at asks once a minute.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const region = event.detail.elt;
    if (!isRegion(region)) return;
    const now = Date.now();
    if (document.hidden && now - (lastAsked.get(region.id) || 0) < HIDDEN_PERIOD_MS) {
      event.preventDefault();
      return;
    }
    lastAsked.set(region.id, now);
  });

  // The visitor's own state (an opened table, a scrolled list) survives a swap.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const region = event.detail.target;
    if (!isRegion(region)) return;
    for (const details of region.querySelectorAll("details[id]")) kept.set(details.id, { open: details.open });
    for (const list of region.querySelectorAll(".scroll[id]")) kept.set(list.id, { top: list.scrollTop });
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const [id, state] of kept) {
      const element = document.getElementById(id);
      if (element && "open" in state) element.open = state.open;
      if (element && "top" in state) element.scrollTop = state.top;
    }
    kept.clear();
  });

  // A page that cannot refresh must not look current.
  function connection(lost) {
    const notice = document.getElementById("connection");
    if (notice && notice.hidden === lost) notice.hidden = !lost;
  }
  document.addEventListener("htmx:sendError", () => connection(true));
  document.addEventListener("htmx:responseError", () => connection(true));
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) connection(false);
  });
})();
