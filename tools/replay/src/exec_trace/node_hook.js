// Keeps the texts of scripts that have no file, such as those of `new Function` and `vm.runInThisContext`, for V8's coverage.
//
// Required first by every node process of a traced run. When the process ends, writes texts/PID--THREAD.json to the folder of
// NODE_V8_COVERAGE: the texts by V8's script id. Must never change what the program does: every failure in here is swallowed, and
// the inspector is connected only at the end, because an enabled debugger slows `await` and `throw`.
'use strict';

try {
  // Shorter texts hold no file of a repository; longer ones are bundles. All together are bounded as well.
  const MIN_LENGTH = 200;
  const MAX_LENGTH = 4 << 20;
  const MAX_TOTAL = 16 << 20;
  const inspector = require('inspector');
  const fs = require('fs');
  const path = require('path');
  const v8 = require('v8');
  let thread = 0;
  try {
    thread = require('worker_threads').threadId;
  } catch (error) {
    // Versions before 10.5 have none.
  }
  const out = process.env.NODE_V8_COVERAGE;
  // One more listener must not be the one that node warns about.
  const most = process.getMaxListeners();
  if (most > 0) process.setMaxListeners(most + 1);
  process.on('exit', () => {
    try {
      if (!out || typeof v8.takeCoverage !== 'function') return; // before 14.18
      const session = new inspector.Session();
      session.connect();
      let hasTexts = false;
      session.post('Profiler.getBestEffortCoverage', (error, coverage) => {
        hasTexts = !error && coverage.result.some((script) => !script.url);
      });
      if (!hasTexts) return session.disconnect();
      // An enabled debugger throws the counters of blocks away, so that what ran is written before.
      v8.takeCoverage();
      const scripts = [];
      session.on('Debugger.scriptParsed', (message) => {
        const { scriptId, url, length } = message.params;
        if (!url && length >= MIN_LENGTH && length <= MAX_LENGTH) scripts.push({ scriptId, length });
      });
      session.post('Debugger.enable');
      const texts = {};
      let total = 0;
      for (const { scriptId, length } of scripts) {
        if ((total += length) > MAX_TOTAL) break;
        session.post('Debugger.getScriptSource', { scriptId }, (error, answer) => {
          if (!error) texts[scriptId] = answer.scriptSource;
        });
      }
      session.disconnect();
      if (scripts.length) {
        fs.writeFileSync(path.join(out, 'texts', `${process.pid}--${thread}.json`), JSON.stringify(texts));
      }
    } catch (error) {
      // The run goes on without them.
    }
  });
} catch (error) {
  // A build of node without an inspector.
}
