"use strict";
(() => {
  const $ = id => document.getElementById(id);
  const groups = [...document.querySelectorAll("#findings .group")].map(el => ({
    el, scope: el.dataset.c, open: el.open, list: el.querySelector(".list"), count: el.querySelector("small"),
    items: [...el.querySelectorAll(".f")].map(f => ({ el: f, severity: f.dataset.s, area: f.dataset.a, text: "" })),
  }));
  const sections = [...document.querySelectorAll("#findings .severity")].map(el => ({
    el, count: el.querySelector("small"), groups: groups.filter(g => el.contains(g.el)),
  }));
  const total = groups.reduce((n, g) => n + g.items.length, 0);
  if (total) $("controls").hidden = false;

  const textOf = item => item.text || (item.text = item.el.textContent.toLowerCase());

  function filter() {
    const words = $("q").value.toLowerCase().split(/\s+/).filter(Boolean);
    const severity = $("severity").value, scope = $("scope").value, area = $("area").value;
    const narrowed = words.length || severity || scope || area;
    let shown = 0;
    for (const section of sections) {
      let inSection = 0;
      for (const group of section.groups) {
        let n = 0;
        for (const item of group.items) {
          const is = (!severity || item.severity === severity) && (!scope || group.scope === scope) && (!area || item.area === area) &&
            words.every(w => textOf(item).includes(w));
          if (item.el.hidden === is) item.el.hidden = !is;
          if (is) n++;
        }
        group.el.hidden = n === 0;
        group.count.textContent = n;
        group.el.open = narrowed ? n > 0 : group.open;
        inSection += n;
      }
      section.el.hidden = inSection === 0;
      section.count.textContent = inSection;
      shown += inSection;
    }
    $("shown").textContent = narrowed ? shown + " of " + total + " findings" : "";
  }

  function sort() {
    const key = { address: "code", rule: "b", message: "span" }[$("sort").value];
    for (const group of groups) {
      const keyed = group.items.map(item => [item.el.querySelector(key).textContent, item]);
      keyed.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
      group.items = keyed.map(k => k[1]);
      group.list.append(...group.items.map(i => i.el));
    }
  }

  function fold(open) {
    for (const group of groups) {
      if (group.el.hidden) continue;
      group.el.open = open;
      for (const item of group.items) if (!item.el.hidden) item.el.open = open;
    }
  }

  // A link to a finding opens it and the group that it is in.
  function reveal() {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (!target) return;
    for (let el = target; el; el = el.parentElement) if (el.tagName === "DETAILS") el.open = true;
    if (target.classList.contains("f")) target.scrollIntoView();
  }

  let waiting = 0;
  $("q").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 80); });
  for (const id of ["severity", "scope", "area"]) $(id).addEventListener("change", filter);
  $("sort").addEventListener("change", sort);
  $("unfold").addEventListener("click", () => fold(true));
  $("fold").addEventListener("click", () => fold(false));
  $("controls").addEventListener("submit", e => e.preventDefault());
  addEventListener("hashchange", reveal);
  reveal();
})();
