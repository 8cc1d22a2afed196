// The answer was PENDING: keep its request_id, and give the subject the time that the service asks for.
def project = testRunner.getTestCase().getTestSuite().getProject()
def answer = context.expand('${ask#Response}')
project.setPropertyValue('request_id', (answer =~ /request_id>([^<]+)</)[0][1])
def seconds = (answer =~ /poll_after>([0-9]+)</)[0][1]
Thread.sleep(1000L * Long.parseLong(seconds))
