# 57-kept.t: kept answers where somebody is up to something: paths that lead elsewhere, conditions sent twice.
use v5.24;
use warnings;
use Test::More;
use Muster::Fastcgi qw(begin_request connect_to read_all record);
use Muster::Front;
use Muster::Postgres;
use Muster::Server;

my $postgres = Muster::Postgres->new;
my $server   = Muster::Server->new(postgres => $postgres, conf => { workers => 2, cache_size => 8 });
my $front    = Muster::Front->new(server => $server);
my $client   = $front->client;

$client->post('/entity/pool', form => [ map { (name => $_) } 'p', map { "a$_" } 1 .. 9 ]);
$client->post('/entity/basicserver', form => [ map { (name => $_) } map { ("s$_", "r$_") } 1 .. 9 ]);
$client->post('/entity/pool/p', form => [ action => 'insert', map { (device => "s$_") } 1 .. 4 ]);

subtest 'where the next page is' => sub {
    my $page = 'pool=p&clusto_after=0&clusto_per_page=2';
    my $next = $client->get('/entity/?clusto_after=0&clusto_per_page=1')->{headers}{'clusto-next'};
    for my $query ($page, "$page&type=server") {
        for my $path ('//evil.example/../from-pools', '/from-pools', '/./from-pools/', '/x%3E;%20rel=%22x/..//from%2Dpools', '/x>;,"/../from-pools') {
            for my $time ('first', 'again') {
                my $answer = $client->get("$path?$query");
                is($answer->{status}, 200, "$path, $time") or diag $answer->{body};
                like($answer->{headers}{link} // '', qr{^</from-pools\?pool=p&(?:type=server&)?clusto_per_page=2&clusto_after=\d+>; rel="next"$},
                    'the link says what this is, not what was asked');
            }
        }
    }
    my $odd = $client->get('/from-pools?' . $page . '&type=server&x%3E%22%2C=%3E;%20rel%3Devil');
    like($odd->{headers}{link} // '', qr/&x%3E%22%2C=%3E%3B%20rel%3Devil&clusto_per_page=2&clusto_after=\d+>; rel="next"$/, 'parameters come encoded');
    my $listed = $client->get('//evil.example/../entity/?clusto_after=0&clusto_per_page=1');
    is($listed->{headers}{link}, "</entity?clusto_per_page=1&clusto_after=$next>; rel=\"next\"", 'also of lists that are not kept');
    my $absolute = $client->raw("GET http://evil.example/from-pools?$page HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    like($absolute->{headers}{link} // '', qr{^</from-pools\?}, 'and where the whole address was sent');
};

subtest 'a prefix that the front server takes off' => sub {
    my $mounted = Muster::Front->new(server => $server, edit => sub {
        $_[0] =~ s{fastcgi_param SCRIPT_NAME \s*"";}{fastcgi_param SCRIPT_NAME "/inv";}r
            =~ s{fastcgi_param PATH_INFO \s*\$uri;}{set \$rest \$uri; if (\$uri ~ ^/inv(/.*)\$) { set \$rest \$1; } fastcgi_param PATH_INFO \$rest;}r;
    });
    my $page = 'pool=p&clusto_after=0&clusto_per_page=2';
    for (1 .. 2) {
        for my $path ('/inv/from-pools', '/evil.example/../inv/from-pools') {
            my $answer = $mounted->client->get("$path?$page");
            like($answer->{headers}{link} // '', qr{^</inv/from-pools\?pool=p&clusto_per_page=2&clusto_after=\d+>; rel="next"$}, "$path is below it")
                or diag $answer->{body};
        }
        like($client->get("/from-pools?$page")->{headers}{link} // '', qr{^</from-pools\?}, 'without it, without it');
    }
    $mounted->stop;
};

# Most front servers refuse that or make one of both; so it comes to us without any.
subtest 'a condition that was sent twice' => sub {
    my @as = ('X-User-Id' => 'ann');
    $client->post('/preferences/box', headers => {@as}, json => { a => 1 });
    my $tag = $client->get('/preferences/box', headers => {@as})->{headers}{etag};
    my $ask = sub {
        my $socket = connect_to($server);
        syswrite $socket, begin_request(REQUEST_METHOD => 'GET', PATH_INFO => '/preferences/box', HTTP_X_USER_ID => 'ann', @_) . record(5, '');
        return read_all($socket, 10) =~ /Status: (\d+)/ ? $1 : 'nothing';
    };
    for my $case ([ HTTP_IF_NONE_MATCH => '"other"' ], [ HTTP_IF_MATCH => $tag ]) {
        my ($name, $have) = @$case;
        is($ask->($name => $have), 200, "$name once") for 1 .. 3;
        is($ask->($name => [ $have, '"another"' ]), 400, "$name twice");
        is($ask->($name => [ '"another"', $have ]), 400, 'the other way round');
        is($ask->($name => [ $have, $have ]), 400, 'the same one twice');
    }
};

$_->stop for $front, $server;
done_testing;
