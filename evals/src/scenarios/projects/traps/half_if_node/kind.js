'use strict';

// What a line of text is.
function kind(line) {
  if (!line.includes('|'))
    return 'paragraph';
  if (!line.endsWith('|'))
    return 'paragraph';
  return 'table';
}

module.exports = { kind };
if (require.main === module) console.log(kind(process.argv[2]));
