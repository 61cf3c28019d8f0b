// Keys for those who like them; pages read and decide without this file. Off while typing; `?` lists them.
"use strict";
(() => {
  const places = { i: 0, t: 1, r: 2, m: 3, f: 4, d: 5 };
  let went = false;
  const typing = (e) => e.target.closest("input, textarea, select") || e.ctrlKey || e.metaKey || e.altKey;
  const rows = () => [...document.querySelectorAll(".rows a, tbody th a")];
  const step = (by) => {
    const all = rows(), at = all.indexOf(document.activeElement);
    all[Math.min(Math.max(at + by, 0), all.length - 1)]?.focus();
  };
  document.addEventListener("keydown", (e) => {
    if (typing(e) || localStorage.getItem("handrail-keys") === "off") return;
    const links = document.querySelectorAll("header nav a");
    if (went && e.key in places) { links[places[e.key]]?.click(); }
    else if (e.key === "j") step(1);
    else if (e.key === "k") step(-1);
    else if (e.key === "/") { document.querySelector("input[name=q]")?.focus(); e.preventDefault(); }
    else if (e.key === "c") navigator.clipboard?.writeText(document.activeElement?.title ?? "");
    else if (e.key === "?") document.getElementById("keys")?.toggleAttribute("open");
    went = e.key === "g";
  });
  for (const each of document.querySelectorAll("time[datetime]")) {
    const at = new Date(each.dateTime);
    if (!isNaN(at)) each.title = `${each.dateTime}\n${at.toLocaleString()} here`;
  }
})();
