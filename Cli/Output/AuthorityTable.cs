using Google.Protobuf.WellKnownTypes;
using Mesh.Admin.V1;
using Spectre.Console;

namespace Mesh.Cli.Output;

/// <summary>Authorities, keys that wait for a certificate, and revoked keys as a table.</summary>
internal static class AuthorityTable
{
    private const int DigitsShown = 16;

    public static Table Build(IEnumerable<Authority> authorities, IEnumerable<Revocation> revocations, IEnumerable<AuthorityRequest> requests)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var title in new[] { "PURPOSE", "STAGE", "KEY", "GOOD UNTIL" })
        {
            table.AddColumn(new TableColumn(new Text(title, new Style(decoration: Decoration.Bold))).NoWrap());
        }

        foreach (var authority in authorities)
        {
            table.AddRow(
                new Text(authority.Purpose), new Text(authority.IsOffline ? $"{authority.Stage}, key elsewhere" : authority.Stage), new Text(authority.KeyHash[..DigitsShown]), new Text(Time(authority.NotAfter)));
        }

        foreach (var request in requests)
        {
            table.AddRow(
                new Text(request.Purpose),
                new Text("awaiting certificate", request.IsOverdue ? new Style(Color.Yellow) : Style.Plain),
                new Text(request.KeyHash[..DigitsShown]),
                new Text(request.IsOverdue ? $"overdue, since {Time(request.Since)}" : $"since {Time(request.Since)}"));
        }

        foreach (var revocation in revocations)
        {
            table.AddRow(
                new Text("revoked", new Style(Color.Red)),
                new Text(revocation.Reason),
                new Text(revocation.KeyHash[..DigitsShown], new Style(Color.Red)),
                new Text($"since {Time(revocation.RevokedAt)}"));
        }

        return table;
    }

    private static string Time(Timestamp time) => TimeText.Of(time.ToDateTimeOffset());
}
