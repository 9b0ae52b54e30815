# Muster::Ledger: writes that can be told apart, what was said of each, and whether the database agrees.
#
# Each write has a text of its own. It was either acknowledged (then it must be in the database, once),
# refused (then it must not be), or nobody knows: no whole answer, or one that says
# "Clusto-Outcome: unknown" (then it is there once or not at all).
package Muster::Ledger;
use v5.24;
use warnings;
use Exporter 'import';
use JSON::PP ();
use Muster::Client qw(parallel);
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(prepare_ledger write_one write_for check_ledger tally verdict);

# What the kinds of writes need. The client is the front server's.
sub prepare_ledger {
    my ($client) = @_;
    my @made = (
        $client->post('/entity/basicserver', form => [ map { (name => "ledger$_") } 0 .. 15 ]),
        $client->post('/entity/pool', form => { name => 'ledgerpool' }),
        $client->post('/resourcemanager/ipmanager', form => { name => 'ledgerips', baseip => '10.64.0.0', netmask => '16' }),
        map { $client->post("/preferences/list$_", headers => { 'X-User-Id' => 'ledger' }, json => { all => [] }) } 0 .. 15,
    );
    for (@made) { die "ledger: $_->{status} $_->{body}\n" unless $_->{status} =~ /^20/ }
    return;
}

my %kinds = (
    # In a transaction of their own, with a row in clustoversioning that carries the text.
    note => sub { my ($c, $text, $i) = @_; return $c->post("/attribute/ledger$i", form => { key => 'note', value => $text }, headers => { 'Clusto-Description' => $text }) },
    make => sub { my ($c, $text) = @_; return $c->post('/entity/basicappliance', form => { name => $text }, headers => { 'Clusto-Description' => $text }) },
    ip   => sub { my ($c, $text, $i) = @_; return $c->post('/resourcemanager/ipmanager/ledgerips', form => { object => "ledger$i" }, headers => { 'Clusto-Description' => $text }) },
    # By one statement that commits itself.
    set => sub { my ($c, $text, $i) = @_; return $c->post("/preferences/set$i/$text", headers => { 'X-User-Id' => 'ledger' }, json => 1) },
    # Read, changed and written in one transaction; twice would show.
    append => sub {
        my ($c, $text, $i) = @_;
        return $c->patch("/preferences/list$i", headers => { 'X-User-Id' => 'ledger' }, type => 'application/json-patch+json',
            body => JSON::PP::encode_json([ { op => 'add', path => '/all/-', value => $text } ]));
    },
);

sub verdict {
    my ($answer) = @_;
    return 'unknown' if $answer->{status} == 0 || !$answer->{complete} || ($answer->{headers}{'clusto-outcome'} // '') eq 'unknown';
    return $answer->{status} < 300 ? 'acknowledged' : 'refused';
}

# One write of this kind; $i from 0 to 15 chooses what is written to. A list: verdict, kind, text,
# status, seconds.
sub write_one {
    my ($client, $kind, $text, $i) = @_;
    my $answer = $kinds{$kind}->($client, $text, $i);
    my @entry  = (verdict($answer), $kind, $text, $answer->{status}, $answer->{seconds} // 0);
    push @entry, $answer->{body} if $answer->{status} == 500 || $answer->{status} =~ /^50[34]$/ && !defined $answer->{headers}{'retry-after'};
    return @entry;
}

# $n writers at once until $seconds are over, and meanwhile $meanwhile->($end) in a process of its own;
# each writer uses $client->($i). Options: kinds, name (of the round: it makes the texts different),
# pause (after a refusal). The entries.
sub write_for {
    my ($seconds, $n, $client, $meanwhile, %option) = @_;
    state $round = 0;
    my $name  = ($option{name} // 'w') . ++$round;
    my @kinds = @{ $option{kinds} // [ sort keys %kinds ] };
    my $end   = time + $seconds;
    my @all   = parallel($n + ($meanwhile ? 1 : 0), sub {
        my ($me) = @_;
        return $meanwhile->($end) // {} if $me == $n;
        my ($c, @entries) = ($client->($me));
        for (my $k = 0; time < $end; $k++) {
            push @entries, [ write_one($c, $kinds[ ($me + $k) % @kinds ], "$name-$me-$k", ($me + 5 * $k) % 16) ];
            sleep($option{pause} // 0.02) if $entries[-1][0] ne 'acknowledged';
        }
        return { entries => \@entries };
    }, timeout => $seconds + 100);
    my @died = grep { $_->{died} } @all;
    die "a writer died: $died[0]{died}" if @died;
    return map { @{ $_->{entries} // [] } } @all;
}

# What was said, in words: "acknowledged 201: 17".
sub tally {
    my (@entries) = @_;
    my %count;
    $count{"$_->[0] $_->[3]"}++ for @entries;
    return map { "$_: $count{$_}" } sort keys %count;
}

# Compares what was said with what there is; a list of what is wrong.
sub check_ledger {
    my ($postgres, @entries) = @_;
    my %have;
    my $count = sub { my ($kind, $sql) = @_; $have{$kind}{$_}++ for $postgres->psql($sql); return };
    $count->($_ => 'select description from clustoversioning') for qw(note make ip);
    $count->(set => "select jsonb_object_keys(document) from muster_preferences where user_id = 'ledger' and container like 'set%'");
    $count->(append => "select jsonb_array_elements_text(document->'all') from muster_preferences where user_id = 'ledger' and container like 'list%'");
    my (%note, %made, @wrong);
    $note{$_}++ for $postgres->psql("select string_value from entity_attrs where key = 'note' and deleted_at_version is null");
    $made{$_}++ for $postgres->psql("select name from entities where driver = 'basicappliance' and deleted_at_version is null");
    for (@entries) {
        my ($verdict, $kind, $text, $status) = @$_;
        my $n = $have{$kind}{$text} // 0;
        push @wrong, "$kind $text: $verdict ($status), but there $n times"
            if $verdict eq 'acknowledged' && $n != 1 || $verdict eq 'refused' && $n != 0 || $n > 1;
        push @wrong, "note $text: a version without its row, or the other way round" if $kind eq 'note' && ($note{$text} // 0) != $n;
        push @wrong, "make $text: a version without its object, or the other way round" if $kind eq 'make' && ($made{$text} // 0) != $n;
    }
    my $odd = $postgres->psql("select count(*) from (select entity_id, number from entity_attrs where key = 'ip' and deleted_at_version is null
        group by 1, 2 having count(*) <> 4) as odd");
    push @wrong, "$odd allocations without all their rows, or two with one number" if $odd;
    my $twice = $postgres->psql("select count(*) from (select from entity_attrs where key = 'ip' and subkey is null and deleted_at_version is null
        group by int_value having count(*) > 1) as twice");
    push @wrong, "$twice addresses are held twice" if $twice;
    my $given = $postgres->psql("select count(*) from entity_attrs where key = 'ip' and subkey is null and deleted_at_version is null");
    my $said  = grep { $_->[1] eq 'ip' && ($have{ip}{ $_->[2] } // 0) == 1 } @entries;
    push @wrong, "$given addresses are held, $said allocations are recorded" if $given < $said;
    return @wrong > 20 ? (@wrong[ 0 .. 19 ], '... ' . @wrong) : @wrong;
}

1;
