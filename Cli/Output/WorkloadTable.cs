using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Mesh.Admin.V1;
using Spectre.Console;

namespace Mesh.Cli.Output;

/// <summary>Workloads as a table, and one of them with its instances.</summary>
internal static class WorkloadTable
{
    private const int DigitsShown = 8;

    public static Table Build(IEnumerable<Workload> workloads)
    {
        var table = Titled("WORKLOAD", "INSTANCES", "POLICY", "BAN", "DESCRIPTION");
        foreach (var workload in workloads)
        {
            table.AddRow(
                new Text($"{workload.Namespace}/{workload.ServiceAccount}"),
                new Text(workload.LiveInstances.ToString(CultureInfo.InvariantCulture)),
                new Text(workload.DefaultPolicy),
                BanState(workload.Ban),
                new Text(workload.Description));
        }

        return table;
    }

    public static Grid Facts(Workload workload)
    {
        var facts = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
        facts.AddRow(new Text("identity"), new Text(workload.SpiffeId));
        facts.AddRow(new Text("description"), new Text(workload.Description.Length > 0 ? workload.Description : "-"));
        facts.AddRow(new Text("registered"), new Text(workload.RegisteredAt is { } at ? Time(at) : "no"));
        facts.AddRow(new Text("policy"), new Text(workload.DefaultPolicy));
        facts.AddRow(new Text("opaque ports"), new Text(Ports(workload.HasOpaquePorts ? workload.OpaquePorts : null)));
        facts.AddRow(new Text("ban"), BanFacts(workload.Ban));
        return facts;
    }

    public static Table Instances(Workload workload)
    {
        var table = Titled("INSTANCE", "EXPIRES", "SERIAL", "PROXYHOST", "LAST SEEN");
        foreach (var instance in workload.Instances)
        {
            table.AddRow(
                new Text(instance.InstanceId[..DigitsShown]),
                new Text(Time(instance.NotAfter)),
                new Text(instance.SerialNumber),
                new Text(instance.Proxyhost.Length > 0 ? instance.Proxyhost : "-"),
                new Text(instance.LastSeen is { } at ? Time(at) : "-"));
        }

        return table;
    }

    /// <summary>Opaque ports as they are shown; null: the proxy's own list.</summary>
    public static string Ports(string? ports) => ports switch
    {
        null => "default",
        "" => "none",
        _ => ports,
    };

    public static string Time(Timestamp time) =>
        TimeText.Of(time.ToDateTimeOffset());

    private static Table Titled(params string[] titles)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var title in titles)
        {
            table.AddColumn(new TableColumn(new Text(title, new Style(decoration: Decoration.Bold))).NoWrap());
        }

        return table;
    }

    private static Text BanState(Ban? ban) => ban switch
    {
        null => new Text("-"),
        { IssuedBefore: null } => new Text("banned", new Style(Color.Red)),
        _ => new Text("lifted", new Style(Color.Yellow)),
    };

    private static Text BanFacts(Ban? ban) => ban switch
    {
        null => new Text("none"),
        { IssuedBefore: null } => new Text($"banned since {Time(ban.BannedAt)}: {ban.Reason}", new Style(Color.Red)),
        _ => new Text($"lifted; what was issued before {Time(ban.IssuedBefore)} stays refused", new Style(Color.Yellow)),
    };
}
