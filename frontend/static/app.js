// Small comforts on top of pages that work without them. No inline handlers: everything hangs on data attributes.
(() => {
  "use strict";
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const say = (sentence) => {
    const place = document.getElementById("said");
    if (place) place.textContent = sentence;
  };

  // Ask before a dangerous deed. Runs in the capture phase, so that htmx waits for the answer as well.
  let agreed = null;
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const button = event.submitter;
    const question = (button && button.dataset.confirm) || form.dataset.confirm;
    if (!question) return;
    if (agreed === form) {
      agreed = null;
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    const dialog = document.getElementById("confirm");
    if (!dialog || !dialog.showModal) {
      if (window.confirm(question)) resend(form, button);
      return;
    }
    one("[data-confirm-text]", dialog).textContent = question;
    dialog.returnValue = "";
    dialog.addEventListener("close", () => {
      if (dialog.returnValue === "yes") resend(form, button);
      else if (button) button.focus();
    }, { once: true });
    dialog.showModal();
  }, true);
  const resend = (form, button) => {
    agreed = form;
    form.requestSubmit(button || undefined);
  };

  document.addEventListener("change", (event) => {
    const control = event.target;
    if (control.matches("[data-autosubmit]") && control.form) control.form.requestSubmit();
  });

  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest(selector);
    let found;
    for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
    if ((found = at("[data-dialog]"))) {
      const dialog = document.getElementById(found.dataset.dialog);
      if (dialog && dialog.showModal) {
        event.preventDefault();
        if (!dialog.open) dialog.showModal();
      }
    } else if ((found = at("[data-close]"))) {
      const dialog = found.closest("dialog");
      if (dialog && dialog.open) {
        event.preventDefault();
        dialog.close();
      }
    } else if ((found = at("[data-dismiss]"))) {
      found.closest(".notice").remove();
    } else if ((found = at("[data-copy]"))) {
      const button = found;
      navigator.clipboard.writeText(button.dataset.copy).then(() => {
        say(button.dataset.said);
        button.classList.add("done");
        setTimeout(() => button.classList.remove("done"), 1600);
      });
    } else if ((found = at("[data-print]"))) {
      window.print();
    } else if ((found = at(".errors a[href^='#']"))) {
      const field = document.getElementById(decodeURIComponent(found.hash.slice(1)));
      const control = field && (field.matches("fieldset") ? one("input", field) : field);
      if (control) {
        event.preventDefault();
        control.focus();
      }
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const menu = one("details.menu[open]");
      if (menu) {
        menu.open = false;
        one("summary", menu).focus();
      }
    } else if (event.key === " " && event.target.matches("a[role=button]")) {
      event.preventDefault();
      event.target.click();
    }
  });

  // A table that fits lets its head stick to the window; one that does not can be scrolled by keyboard.
  const fit = (box) => {
    const table = one("table", box);
    if (!table) return;
    const fits = table.scrollWidth <= box.clientWidth + 1;
    box.classList.toggle("fits", fits);
    if (fits) box.removeAttribute("tabindex");
    else box.tabIndex = 0;
  };
  const watcher = "ResizeObserver" in window ? new ResizeObserver((entries) => entries.forEach((e) => fit(e.target))) : null;

  // Rows shown as cards lose their table roles in some browsers: say them aloud.
  const ROLES = [["table", "table"], ["thead, tbody, tfoot", "rowgroup"], ["tr", "row"], ["thead th", "columnheader"],
    ["tbody th", "rowheader"], ["td", "cell"]];
  const prepare = (within) => {
    for (const box of all(".table", within)) {
      for (const [selector, role] of ROLES) for (const part of all(selector, box)) if (!part.hasAttribute("role")) part.setAttribute("role", role);
      fit(box);
      if (watcher) watcher.observe(box);
    }
    for (const button of all("[data-dismiss][hidden]", within)) button.hidden = false;
    if (navigator.clipboard) for (const button of all("[data-copy][hidden]", within)) button.hidden = false;
    for (const button of all("[data-print][hidden]", within)) button.hidden = false;
    for (const dialog of all("dialog[data-open]", within)) if (!dialog.open) dialog.showModal();
  };
  prepare(document);

  // After a swap: prepare what came, and lead to what is wrong in the form that was sent, or to a new alert.
  const seen = new WeakSet();
  document.addEventListener("htmx:after:swap", (event) => {
    prepare(document);
    const source = event.target instanceof Element ? event.target.closest("form") || event.target : document.body;
    const alert = one("#alerts .notice");
    const wrong = alert && !seen.has(alert) ? alert : source === document.body ? null : one("[data-focus]", source);
    if (!wrong) return;
    seen.add(wrong);
    if (!wrong.hasAttribute("tabindex")) wrong.tabIndex = -1;
    wrong.focus();
  });
  // What people do themselves clears the alert of before; a poll does not.
  document.addEventListener("htmx:before:request", (event) => {
    const alerts = document.getElementById("alerts");
    if (alerts && event.target instanceof Element && event.target.matches("form, a, button, input, select")) alerts.replaceChildren();
  });
})();
