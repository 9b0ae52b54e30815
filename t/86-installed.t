#!/usr/bin/perl
# 86-installed.t: what make install puts in place, and the samples as the README installs them on Debian.
use v5.24;
use warnings;
use IO::Socket::IP ();
use Muster::Client;
use Muster::Data;
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(build_dir poll run slurp source_dir spew temp_dir which);
use Muster::Server;
use Test::More;

my $postgres = Muster::Postgres->new;
my $server   = Muster::Server->new(postgres => $postgres);
my $names    = join '&', map { "name=testserver$_" } 1 .. 700;
Muster::Data::load_example($postgres);

# What holds behind each front server that was installed so.
sub serves {
    my ($client) = @_;
    is($client->get('/by-name/testserver1')->{status}, 200, 'an object');
    is($client->post('/entity/pool', form => { name => "odd~" })->{json}[0], '/pool/odd~', 'a name that ends in ~ is made');
    is($client->get('/by-name/odd~')->{json}{name}, 'odd~', 'and found');
    is($client->get('/by-name/odd%2F~.inc')->{status}, 404, 'another one, with a slash, is looked for');
    is($client->delete('/entity/pool/odd~')->{status}, 204, 'and the first one is deleted');
    my $many = $client->get("/by-names?$names");
    is($many->{status}, 206, '700 names in the query');
    is(@{ $many->{json} // [] }, 700, 'are all answered');
    is($client->request(GET => '/by-names', body => $names . "&$names" x 9, type => 'application/x-www-form-urlencoded')->{status}, 206, 'and 7000 in the body');
    return;
}

SKIP: {
    skip 'no /etc/lighttpd/lighttpd.conf of Debian here', 1 unless -f '/etc/lighttpd/lighttpd.conf' && -f '/usr/share/lighttpd/create-mime.conf.pl';
    subtest 'lighttpd, with the sample in conf-enabled' => sub {
        my $front  = Muster::Front->new(server => $server, kind => 'lighttpd', installed => 1);
        my $client = $front->client;
        serves($client);
        # As the README and the sample say.
        my $bare = run([ 'curl', '-s', '-o', '/dev/null', '-w', '%{http_code} %{content_type}', '-X', 'POST', $front->url . '/preferences/a' ]);
        like($bare->{out}, qr{^411 text/html}, 'a POST without a length is refused by lighttpd');
        my $empty = run([ 'curl', '-s', '-w', '%{http_code}', '-H', 'X-User-Id: u', '-d', '', $front->url . '/preferences/a' ]);
        is($empty->{out}, 204, 'with -d "" it gets through');
        $front->stop;
    };
}

SKIP: {
    skip 'no /etc/nginx/nginx.conf of Debian here', 1 unless -f '/etc/nginx/nginx.conf' && -f '/etc/nginx/sites-available/default';
    subtest 'nginx, with the sample in conf.d' => sub {
        my $front = Muster::Front->new(server => $server, installed => 1, default_site => 1);
        isnt($front->client->get('/__version__')->{status}, 200, 'while the default site is enabled, it answers');
        $front->stop;
        my $ipv6 = !!IO::Socket::IP->new(LocalHost => '::1', Listen => 1);
        $front = Muster::Front->new(server => $server, installed => 1, ipv6 => $ipv6);
        serves($front->client);
        my $version = run([ 'curl', '-s', $front->url . '/__version__' ]);
        like($version->{out}, qr/^"\d+\.\d+\.\d+"$/, 'the first request of the README');
        SKIP: {
            skip 'no IPv6 here', 1 unless $ipv6;
            is(run([ 'curl', '-s', '-g', 'http://[::1]:' . $front->port . '/__version__' ])->{out}, $version->{out}, 'the same over IPv6');
        }
        $front->stop;
    };
}

$server->stop;
done_testing;
