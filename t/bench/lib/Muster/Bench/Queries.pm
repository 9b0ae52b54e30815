# Muster::Bench::Queries: what questions cost, beside the lists that answer the same, SQL that was
# written for one of them by hand, and inventories of another size.
package Muster::Bench::Queries;
use v5.24;
use warnings;
use Muster::Bench::Data;
use Muster::Bench::Run;

my $first = Muster::Bench::Data::FIRST - 1;

sub escape { return $_[0] =~ s/([^\w-])/sprintf '%%%02X', ord $1/ger }

sub path { return '/query?q=' . escape($_[0]) }

# Lua: a request with a server's number for each #.
sub any_number {
    my ($n, $path) = @_;
    my $text = "'" . ($path =~ s/(?:#|%23)/' .. n .. '/gr) . "'";
    return "request = function() local n = $first + math.random($n); return wrk.format('GET', $text) end\n";
}

my %page = ('Clusto-After' => 0, 'Clusto-Per-Page' => 50);

# Beside a list that answers the same.
sub same_as_list {
    my ($run, $what, $question, $list, $most) = @_;
    my ($n, $muster) = ($run->servers, $run->world->muster('plain'));
    my %by = $run->compare(
        "query: $what",
        [
            $run->over_http('query', $muster, any_number($n, path($question))),
            $run->over_http('list',  $muster, any_number($n, $list)),
        ],
    );
    $run->judge('query', $what, @by{qw(query list)}, most => $most);
    return;
}

# A page of a question that has several tests, beside what somebody would write who knows what is there.
sub several {
    my ($run) = @_;
    my ($data, $muster) = ($run->world->data, $run->world->muster('plain'));
    my ($roles, $role) = ($data->count('role'), $data->id('role', 1) - 1);
    my $sql = "\\set r $role + random(1, $roles)\n" . <<'SQL' =~ s/\n/ /gr;
select e.entity_id, e.name, e.driver, e.type
  from entity_attrs m join entities e on e.entity_id = m.relation_id and e.deleted_at_version is null
 where m.entity_id::bigint = :r and m.key = '_contains' and coalesce(m.deleted_at_version, -1) = -1 and m.relation_id::bigint > :zero
   and e.driver = 'basicserver'
   and exists (select from entity_attrs a where a.entity_id = e.entity_id and a.key = 'system' and a.subkey = 'memory' and a.datatype = 'int'
               and a.int_value >= 32 and a.deleted_at_version is null)
   and not exists (select from entity_attrs a where a.entity_id = e.entity_id and a.key = 'retired' and a.deleted_at_version is null)
 order by m.relation_id::bigint limit 51;
SQL
    my $path = path('is basicserver and attr system.memory >= 32 and pool = ') . q{role' .. math.random(} . $roles . q{) .. '}
        . escape(' and not attr retired exists');
    my $page = sub {
        my ($after) = @_;
        return "wrk.headers['Clusto-After'] = '$after'\nwrk.headers['Clusto-Per-Page'] = '50'\n"
            . "request = function() return wrk.format('GET', '$path') end\n";
    };
    my %by = $run->compare(
        'query: several tests',
        [
            $run->over_http('first', $muster, $page->(0)),
            $run->over_http('next',  $muster, $page->(Muster::Bench::Data::SERVER_ID + int($run->servers / 2))),
            $run->in_pgbench('pgbench', $sql, zero => 0),
        ],
        slow => 1,
    );
    $run->judge('query', 'a page of four tests, of SQL by hand', @by{qw(first pgbench)}, payers => ['database'], most => 1.25);
    $run->judge('query', '    the next page, of the first',      @by{qw(next first)},    most => 1.25);
    return;
}

# The same question of two inventories.
sub grown {
    my ($run, $what, $question, %headers) = @_;
    my $world = $run->world;
    my %by    = $run->compare(
        "query: $what",
        [ map { $run->over_http($_, $world->muster($_ eq 'small' ? 'small' : 'plain'), Muster::Bench::Run::always(path($question), %headers)) } qw(small large) ],
        slow => 1,
    );
    $run->judge('query', sprintf('%s: %d servers, of %d', $what, $run->servers, $world->data('small')->count('server')),
        @by{qw(large small)}, most => 2);
    return;
}

sub queries {
    my ($run) = @_;
    same_as_list($run, 'by-attr\'s question, of by-attr', 'attr system.serial = SN#', '/by-attr?key=system&subkey=serial&value=SN#', 1.11);
    same_as_list($run, 'name = x, of by-name', 'name = server#', '/by-name/server#', 1.25);
    several($run);
    grown($run, 'a page where half match', 'attr ip exists', %page);
    my $muster = $run->world->muster('plain');
    my %by     = $run->compare('query: pools',
        [ map { $run->over_http($_, $muster, Muster::Bench::Run::always(path("pool = $_"), %page)) } qw(few many) ], slow => 1);
    $run->judge('query', sprintf('a page of a pool: %d members, of %d', $run->option('crowd'), Muster::Bench::Data::FEW),
        @by{qw(many few)}, most => 1.5);
    return;
}

1;
