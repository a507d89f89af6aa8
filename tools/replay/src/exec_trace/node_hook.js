// Keeps the texts of scripts that have no file, such as those of `new Function` and `vm.runInThisContext`, for V8's coverage.
//
// Required first by every node process of a traced run. Writes texts-PID--THREAD.json to the folder of NODE_V8_COVERAGE: the
// texts by V8's script id. Must never change what the program does: every failure in here is swallowed.
'use strict';

try {
  const inspector = require('inspector');
  const fs = require('fs');
  const path = require('path');
  let thread = 0;
  try {
    thread = require('worker_threads').threadId;
  } catch (error) {
    // Versions before 10.5 have none.
  }
  const out = process.env.NODE_V8_COVERAGE;
  const shortest = 200;
  const longest = 4 << 20;
  const most = 64;
  const texts = [];
  const session = new inspector.Session();
  session.connect();
  session.on('Debugger.scriptParsed', (message) => {
    const { scriptId, url, length } = message.params;
    if (!url && length >= shortest && length <= longest && texts.length < most) texts.push(scriptId);
  });
  session.post('Debugger.enable');
  // A `debugger` statement of the program must not stop it.
  session.post('Debugger.setSkipAllPauses', { skip: true });
  process.on('exit', () => {
    try {
      if (!texts.length || !out) return;
      const kept = {};
      for (const scriptId of texts) {
        session.post('Debugger.getScriptSource', { scriptId }, (error, answer) => {
          if (!error) kept[scriptId] = answer.scriptSource;
        });
      }
      fs.writeFileSync(path.join(out, `texts-${process.pid}--${thread}.json`), JSON.stringify(kept));
    } catch (error) {
      // The run goes on without them.
    }
  });
} catch (error) {
  // A build of node without an inspector.
}
