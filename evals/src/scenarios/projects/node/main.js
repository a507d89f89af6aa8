// @app@: reads @recs@ from standard input and says what they come to.
const fs = require('fs');
const guard = require('./@guard@');
const ledger = require('./@ledger@');
const render = require('./@render@');
const rules = require('./@rules@');

function main(command, argument) {
  const feed = process.env.@APP@_FEED;
  if (feed && !fs.existsSync(feed)) {
    // The feed of the other house is optional; where it is configured, it has to be there.
    console.error(`@app@: error: the feed ${feed} cannot be read`);
    process.exit(1);
  }
  if (command === 'rate') {
    console.log(rules.rate(argument).permille);
    return;
  }
  if (command !== 'total' && command !== 'list') {
    console.error('usage: @app@ total | list | rate CODE');
    process.exit(64);
  }
  const book = ledger.open();
  for (const row of ledger.read(book, fs.readFileSync(0, 'utf8').split('\n'))) {
    if (command === 'list') console.log(render.row(row));
  }
  guard.checkSum(book);
  console.log(render.total(book));
}

main(process.argv[2], process.argv[3]);
