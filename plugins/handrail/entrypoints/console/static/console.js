// Keys for those who like them; pages read and decide without this file. Off while typing; `?` lists them.
"use strict";
(() => {
  // What was recorded is said once: neither a reload nor a copied address says it again.
  const here = new URL(location);
  if (here.searchParams.has("said")) { here.searchParams.delete("said"); history.replaceState(null, "", here); }
  let went = false;
  const off = () => localStorage.getItem("handrail-keys") === "off";
  const typing = (e) => e.target.closest("input, textarea, select") || e.ctrlKey || e.metaKey || e.altKey;
  const rows = () => [...document.querySelectorAll(".rows a, tbody th a")];
  const step = (by) => {
    const all = rows(), at = all.indexOf(document.activeElement);
    all[Math.min(Math.max(at + by, 0), all.length - 1)]?.focus();
  };
  document.addEventListener("keydown", (e) => {
    if (typing(e) || off()) return;
    const place = went && document.querySelector(`header nav a[data-key="${CSS.escape(e.key)}"]`);
    if (place) place.click();
    else if (e.key === "j") step(1);
    else if (e.key === "k") step(-1);
    else if (e.key === "/") { document.querySelector("input[name=q]")?.focus(); e.preventDefault(); }
    else if (e.key === "c") navigator.clipboard?.writeText(document.activeElement?.title ?? "");
    else if (e.key === "?") {
      keys.open = !keys.open;
      keys.querySelector("summary").focus();
    }
    went = e.key === "g";
  });
  const keys = document.getElementById("keys"), button = document.getElementById("keys-switch");
  const name = () => { button.textContent = off() ? "Switch these keys on" : "Switch these keys off"; };
  button.addEventListener("click", () => { localStorage.setItem("handrail-keys", off() ? "on" : "off"); name(); });
  button.hidden = false;
  name();
  for (const each of document.querySelectorAll("time[datetime]")) {
    const at = new Date(each.dateTime);
    if (!isNaN(at)) each.title = `${each.dateTime}\n${at.toLocaleString()} here`;
  }
})();
