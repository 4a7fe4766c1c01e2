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

  // The parts of the side bar stay folded or unfolded as their reader left them, as long as the window is open.
  for (const [place, part] of all("#nav details").entries()) {
    const key = `nav-${place}`;
    try {
      const kept = sessionStorage.getItem(key);
      if (kept && !one("[aria-current]", part)) part.open = kept === "open";
      one("summary", part).addEventListener("click", () => sessionStorage.setItem(key, part.open ? "folded" : "open"));
    } catch { /* a window that may keep nothing */ }
  }
  const here = one("#nav [aria-current]");
  if (here) here.scrollIntoView({ block: "nearest" });

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

  // The scan field: it keeps the focus, takes scans faster than they are answered one after the other, leaves out a code
  // that comes twice within two seconds unless it is confirmed, and says by sound and touch how a scan went.
  const scanField = () => one("[data-scan]");
  const coarse = window.matchMedia && window.matchMedia("(pointer: coarse)").matches;
  const waiting = [];
  let sending = false;
  let latest = { code: "", at: 0 };
  const newKey = () => crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random().toString(36).slice(2)}`;
  const next = () => {
    const field = scanField();
    if (sending || !field || !waiting.length) return;
    const form = field.form;
    sending = true;
    form.elements.scanned.value = waiting.shift();
    form.elements.key.value = newKey();
    form.dataset.scanNow = "";
    form.requestSubmit();
  };
  const take = (code) => {
    waiting.push(code);
    setTimeout(next); // a form is not sent from within its own submit event
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-scan-form]") || !window.htmx) return;
    if ("scanNow" in form.dataset) {
      delete form.dataset.scanNow;
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    const field = scanField();
    const code = field.value.trim();
    field.value = "";
    const hint = one("[data-scan-repeat]", form);
    hint.hidden = true;
    const now = Date.now();
    if (code && code === latest.code && now - latest.at < 2000) {
      hint.hidden = false;
      hint.dataset.code = code;
      signal("warn");
      return;
    }
    latest = { code, at: now };
    take(code);
  }, true);
  const isScan = (event) => event.target instanceof Element && event.target.matches("[data-scan-form]");
  document.addEventListener("htmx:error", (event) => {
    if (!isScan(event) || !sending) return;
    waiting.length = 0;
    scanField().value = event.target.elements.scanned.value;
    signal("bad");
  });
  document.addEventListener("htmx:finally:request", (event) => {
    if (!isScan(event)) return;
    sending = false;
    next();
  });
  const TONES = { ok: [[880, 0.09]], warn: [[520, 0.09], [520, 0.09]], bad: [[196, 0.32]] };
  const BUZZES = { ok: 40, warn: [60, 50, 60], bad: 300 };
  let sound = null;
  const signal = (kind) => {
    if (navigator.vibrate) navigator.vibrate(BUZZES[kind]);
    try {
      sound = sound || new AudioContext();
      let at = sound.currentTime;
      for (const [pitch, length] of TONES[kind]) {
        const tone = sound.createOscillator();
        const loud = sound.createGain();
        tone.frequency.value = pitch;
        loud.gain.setValueAtTime(0.12, at);
        loud.gain.exponentialRampToValueAtTime(0.001, at + length);
        tone.connect(loud).connect(sound.destination);
        tone.start(at);
        tone.stop(at + length);
        at += length + 0.05;
      }
    } catch { /* without sound the colour says it */ }
  };
  const settled = new WeakSet();
  const settle = () => {
    const said = one("[data-signal]");
    if (said && !settled.has(said)) {
      settled.add(said);
      signal(said.dataset.signal);
    }
    const field = scanField();
    if (!field) return;
    const type = one("[data-scan-type]");
    const camera = one("[data-scan-camera]");
    if (camera && "BarcodeDetector" in window && navigator.mediaDevices) camera.hidden = false;
    if (coarse && type && type.hidden) {
      type.hidden = false;
      field.inputMode = "none";
    }
    if (!document.activeElement || document.activeElement === document.body || document.activeElement === field) field.focus();
  };
  document.addEventListener("htmx:after:swap", settle);
  window.addEventListener("focus", settle);
  document.addEventListener("click", (event) => {
    const again = event.target.closest("[data-scan-again]");
    const type = event.target.closest("[data-scan-type]");
    const camera = event.target.closest("[data-scan-camera]");
    if (camera) watch(camera);
    if (again) {
      const hint = again.closest("[data-scan-repeat]");
      hint.hidden = true;
      latest = { code: hint.dataset.code, at: Date.now() };
      take(hint.dataset.code);
    } else if (type) {
      const typing = type.getAttribute("aria-pressed") !== "true";
      type.setAttribute("aria-pressed", String(typing));
      scanField().inputMode = typing ? "text" : "none";
    }
    if (scanField() && !event.target.closest("a, input, select, textarea, summary, label")) scanField().focus();
  });
  // Where the browser reads bar codes itself, its camera scans as well: a code counts again after it was out of sight.
  const eye = { stream: null, code: "", at: 0 };
  const look = async (detector, video) => {
    if (!eye.stream) return;
    const [found] = await detector.detect(video).catch(() => []);
    if (found) {
      const now = Date.now();
      if (found.rawValue !== eye.code || now - eye.at > 2000) take(found.rawValue);
      eye.code = found.rawValue;
      eye.at = now;
    }
    setTimeout(look, 120, detector, video);
  };
  const watch = async (button) => {
    const video = one("[data-scan-video]");
    const on = !eye.stream;
    if (on) {
      try {
        eye.stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      } catch {
        return; // no camera, or not allowed: the field is there
      }
      video.srcObject = eye.stream;
      await video.play();
      look(new BarcodeDetector(), video);
    } else {
      for (const track of eye.stream.getTracks()) track.stop();
      eye.stream = video.srcObject = null;
    }
    video.hidden = !on;
    button.setAttribute("aria-pressed", String(on));
  };
  // A wedge types wherever the focus is: signs that no field wants go to the scan field.
  document.addEventListener("keydown", (event) => {
    const field = scanField();
    if (!field || event.ctrlKey || event.metaKey || event.altKey || event.key.length !== 1 || one("dialog[open]")) return;
    const active = document.activeElement;
    if (active && active !== document.body && active.matches("input, select, textarea, summary, [contenteditable]")) return;
    if (event.key === " " && active && active.matches("button, a")) return;
    field.focus();
  });
  settle();
})();
