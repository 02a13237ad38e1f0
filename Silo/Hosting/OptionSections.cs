using System.Reflection;
using Mesh.Grains.Issuers;
using Mesh.Grains.TrustDomains;
using Mesh.Silo.Storage;
using Microsoft.Extensions.Options;

namespace Mesh.Silo.Hosting;

/// <summary>The configuration sections that a silo reads, and a check that a misspelt key is not taken for silence.</summary>
internal static class OptionSections
{
    private static readonly Dictionary<string, Type> Sections = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Silo"] = typeof(SiloOptions),
        ["Store"] = typeof(StoreOptions),
        ["Anchor"] = typeof(AnchorOptions),
        ["Issuer"] = typeof(IssuerOptions),
        ["Leaf"] = typeof(LeafOptions),
    };

    /// <summary>Binds each section to its options.</summary>
    public static void AddOptionSections(this IServiceCollection services, IConfiguration configuration)
    {
        services.Configure<SiloOptions>(configuration.GetSection("Silo"));
        services.Configure<StoreOptions>(configuration.GetSection("Store"));
        services.Configure<AnchorOptions>(configuration.GetSection("Anchor"));
        services.Configure<IssuerOptions>(configuration.GetSection("Issuer"));
        services.Configure<LeafOptions>(configuration.GetSection("Leaf"));
    }

    /// <summary>One line for each mistake in any section, all at once: keys that no option has, and values out of range.</summary>
    public static IReadOnlyList<string> Mistakes(IConfiguration configuration, IServiceProvider services) =>
    [
        .. UnknownKeys(configuration),
        .. Failures<SiloOptions>("Silo", services),
        .. Failures<StoreOptions>("Store", services),
        .. Failures<AnchorOptions>("Anchor", services),
        .. Failures<IssuerOptions>("Issuer", services),
        .. Failures<LeafOptions>("Leaf", services),
    ];

    private static IEnumerable<string> Failures<TOptions>(string section, IServiceProvider services)
        where TOptions : class
    {
        try
        {
            _ = services.GetRequiredService<IOptions<TOptions>>().Value;
            return [];
        }
        catch (OptionsValidationException mistakes)
        {
            return mistakes.Failures.Select(failure => failure.Contains($"{section}:", StringComparison.Ordinal) ? failure : $"{section}:{failure}");
        }
        catch (InvalidOperationException mistake) when (mistake.Source == "Microsoft.Extensions.Configuration.Binder")
        {
            return [mistake.Message];
        }
    }

    private static IEnumerable<string> UnknownKeys(IConfiguration configuration) =>
        from section in Sections
        let known = section.Value.GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(property => property.Name).ToList()
        from child in configuration.GetSection(section.Key).GetChildren()
        where !known.Contains(child.Key, StringComparer.OrdinalIgnoreCase)
        select $"{section.Key}:{child.Key} is not an option. {section.Key} has: {string.Join(", ", known.Order())}.";
}
