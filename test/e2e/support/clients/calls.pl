# Calls an origin by LWP, and prints what it answered: perl calls.pl URL
use strict;
use warnings;
use LWP::UserAgent;

my $agent = LWP::UserAgent->new;
# Without it LWP reads no HTTP_PROXY.
$agent->env_proxy;
for my $call (['/next'], ['/next'], ['/echo', 'hello']) {
  my ($path, $body) = @$call;
  my $url = $ARGV[0] . $path;
  my $response = defined $body ? $agent->post($url, Content => $body) : $agent->get($url);
  print $response->code, ' ', $response->content, "\n";
}
