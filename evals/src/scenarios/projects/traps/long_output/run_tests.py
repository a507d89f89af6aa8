import sys
import unittest

from tests import test_till

suite = unittest.defaultTestLoader.loadTestsFromModule(test_till)
count = 0
failed = 0
line = "# trace " + "x" * 90 + "\n"
sys.stdout.write(line * 100000)
for test in suite._tests[0]:
    result = unittest.TestResult()
    test.run(result)
    count += 1
    failed += not result.wasSuccessful()
    print("%s %d - %s" % ("ok" if result.wasSuccessful() else "not ok", count, test.id()))
sys.stdout.write(line * 100000)
print("not ok %d - the printer answers" % (count + 1))
print("1..%d" % (count + 1))
sys.exit(1)
